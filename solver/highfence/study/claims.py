"""Claims: sentences of the debate as propositions, with the verdict that their games give.

A file of claims (``games/_claims.toml``; the format is in :func:`read_claims`) holds data alone:
what is claimed, in which game it can be asked, and which comparison would have to hold, such as
``"broad.K_H > none.K_H"``; along which parameters to look for the boundary; and what has been
measured, for or against. Nothing in it says whether a claim holds. That is worked out here:

- A *cell* is one proposition at one *case* (a preset and settings). The regimes that it names
  are solved there, as ``highfence compare`` does, and its *margin* is how far one side of the
  comparison is ahead of the other. It holds if that is above 0 at every equilibrium found, fails
  if it is at none, and depends on which equilibrium is played otherwise.
- A *boundary* is where a proposition starts or stops holding along one parameter, the others
  kept, as ``highfence tipping --outcome`` brackets it.

The verdict follows by this rule, the first line that applies:

===============  =================================================================================
not modeled      the claim names no game
not solved       in some cell no equilibrium is certified
not decided      in some cell the answer depends on which equilibrium is played
mixed            it holds in some cells and fails in others
only if          it holds in every cell, or in none, and along some parameter there is a boundary
                 at the numbers of a case; the one that is named is the nearest to them, as a share
                 of the range looked at
yes              it holds in every cell, and wherever it was looked for
no               it holds in no cell, and nowhere where it was looked for
===============  =================================================================================

A verdict is about the games, not about the world: what was measured stands beside it, and is
weighed on its own (:attr:`Claim.weighed`). Sources of confidence H (primary source or its abstract
seen) and Md (reputable secondary source) count; L (press, contested) and M (from memory) do not.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor, isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import Interrupted, Problem, SpecError
from ..forms.build import values
from ..solve import solve
from ..spec.model import Game
from ._claims_file import (
    CONFIDENCE,
    Case,
    Claim,
    Claims,
    Evidence,
    Proposition,
    Search,
    read_claims,
)
from .draws import Draws
from .outcome import EQUAL, categorical_values, outcome_of
from .scan import AS_WRITTEN, loaded_game
from .tipping import Tipping, find_tips

if TYPE_CHECKING:
    from ..solution import Solution

__all__ = [
    "CONFIDENCE",
    "Boundary",
    "Case",
    "Cell",
    "Claim",
    "Claims",
    "Evidence",
    "Proposition",
    "Ruling",
    "Search",
    "Truth",
    "Verdict",
    "Verdicts",
    "judge_claims",
    "read_claims",
    "rule",
]

Range = tuple[float, float]

TOLERANCE = 1e-3
"""Width to which boundaries are bracketed, as a share of the range looked at."""


class Ruling(StrEnum):
    """The word of a verdict; the module says by which rule."""

    YES = "yes"
    NO = "no"
    ONLY_IF = "only if"
    MIXED = "mixed"
    UNDECIDED = "not decided"
    UNSOLVED = "not solved"
    NOT_MODELED = "not modeled"


class Truth(StrEnum):
    """Whether a proposition holds in one cell."""

    HOLDS = "holds"
    FAILS = "fails"
    DEPENDS = "depends on which equilibrium"
    UNKNOWN = "nothing certified"


# ---------------------------------------------------------------------------------------------
# What the games say


@dataclass(frozen=True)
class Cell:
    """One proposition at one case."""

    case: str
    proposition: str
    truth: Truth
    low: float
    """The margin at the equilibrium where it is least; NaN where nothing is certified."""
    high: float
    near_tie: bool
    """It holds or fails by less than ``tolerances.TIE`` of the larger side."""
    equilibria: int
    """The most that one of the regimes compared has."""
    command: str
    """What shows both sides of the comparison."""
    reason: str = ""
    """Why nothing is certified."""


@dataclass(frozen=True)
class Boundary:
    """Where a proposition holds along one parameter, the others kept."""

    parameter: str
    label: str
    case: str
    proposition: str
    low: float
    high: float
    value: float
    """The parameter's value where it is not varied."""
    holds: tuple[Range, ...]
    """Stretches in which it holds, across points without a certified answer."""
    fails: tuple[Range, ...]
    depends: tuple[Range, ...]
    """Stretches in which it depends on which equilibrium is played."""
    unsolved: tuple[Range, ...]
    """Stretches without a certified answer, which count as what lies on both of their sides."""
    brackets: tuple[Range, ...]
    """Where it changes: between two points, both certified, as narrow as the tolerance."""
    command: str
    complete: bool = True
    beside: bool = False
    """Numbers were set on top of the case: it is shown, and takes no part in the ruling."""

    @property
    def moves(self) -> bool:
        """It holds along a part of the range, and fails or depends along another."""
        return bool(self.holds) and bool(self.fails or self.depends)

    @property
    def always(self) -> bool:
        """It holds wherever there is a certified answer."""
        return bool(self.holds) and not self.moves

    @property
    def distance(self) -> float:
        """From the value to the nearest end of a stretch, as a share of the range."""
        ends = [end for ends in self.holds for end in ends if self.low < end < self.high]
        away = min((abs(end - self.value) for end in ends), default=np.inf)
        return float(away / (self.high - self.low))

    @property
    def where(self) -> str:
        """Where it holds, in words: "h > 0.328", "at no h from 0 to 1"."""
        span = f"{self.parameter} from {self._written(self.low)} to {self._written(self.high)}"
        if self.always:
            return f"at every {span}"
        if not self.holds:
            return f"at no {span}"
        return " or ".join(self._stretch(low, high) for low, high in self.holds)

    def _stretch(self, low: float, high: float) -> str:
        name, one, two = self.parameter, self._written(low), self._written(high)
        if low <= self.low:
            return f"{name} < {two}"
        return f"{name} > {one}" if high >= self.high else f"{one} < {name} < {two}"

    def _written(self, value: float) -> str:
        # A bracket is a third of the tolerance, and its middle is half of that off at most.
        decimals = max(0, floor(-log10(TOLERANCE * (self.high - self.low) / 6)))
        text = f"{value + 0.0:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Verdict:
    """What the games say about one claim."""

    claim: Claim
    ruling: Ruling
    says: str
    """The ruling in words: "only if h > 0.328 (at 0.35 it holds)"."""
    cells: tuple[Cell, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    quick: bool = False
    """Boundaries were not looked for."""

    @property
    def holds(self) -> bool | None:
        """Whether it holds at the numbers of every case; None if that is no yes and no no."""
        truths = {cell.truth for cell in self.cells}
        return {Truth.HOLDS: True, Truth.FAILS: False}[truths.pop()] if _of_one(truths) else None

    @property
    def margin(self) -> Range | None:
        """The least and the largest margin over all cells that are certified."""
        known = [cell for cell in self.cells if cell.truth is not Truth.UNKNOWN]
        if not known:
            return None
        return min(cell.low for cell in known), max(cell.high for cell in known)

    @property
    def nearest(self) -> Boundary | None:
        """The boundary nearest to the numbers of a case, as a share of the range."""
        return _nearest(self.boundaries)

    @property
    def deciding(self) -> tuple[str, ...]:
        """The commands that the ruling rests on: those of the cells, and of the boundary named."""
        named = rule(self.cells, self.boundaries)[1]
        cells = [cell.command for cell in self.cells]
        return tuple(dict.fromkeys(cells if named is None else [*cells, named.command]))

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that reproduce cells and boundaries, without doubles."""
        cells = [cell.command for cell in self.cells]
        return tuple(dict.fromkeys([*cells, *(b.command for b in self.boundaries)]))


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on several claims of one file, in its order."""

    file: str
    essays: Mapping[str, str]
    verdicts: tuple[Verdict, ...]
    complete: bool = True
    """False if Ctrl-C ended it."""

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __getitem__(self, name: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.claim.name == name:
                return verdict
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdicts with the keys of ``highfence claims --json``."""
        from ..report.claims_text import claims_dict

        return claims_dict(self)

    def __str__(self) -> str:
        from ..report.claims_text import claims_text

        return claims_text(self)


def judge_claims(
    names: Sequence[str] | str | None = None,
    *,
    file: str | Path | None = None,
    quick: bool = False,
    tell: Callable[[str], None] = lambda step: None,
) -> Verdicts:
    """Work out what the games say about claims.

    Parameters
    ----------
    names
        Names of claims, or patterns such as ``"cf*"``; all of the file by default.
    file
        A file of claims as :func:`read_claims` reads it; the catalogue's by default.
    quick
        Solve every cell, but look for no boundaries: what would be "only if" is then "yes" or
        "no" at the numbers of the cases.
    tell
        Hears what is solved next.

    Raises
    ------
    RequestError
        A claim, a game, a regime, a preset or a parameter is unknown.
    SpecError
        The file is wrong, or a proposition is not a comparison of the game's outcomes.
    Interrupted
        Ctrl-C: ``done`` has the verdicts that were finished.

    Notes
    -----
    A verdict is as good as its game, and as what its method promises: equilibria that the method
    misses are not counted. A boundary is along one parameter at a time; two changes between
    neighboring points without a sign on either side are missed (:class:`Tipping.resolution`).
    Cost: each regime of each case once, and about 50 points for each boundary.

    Examples
    --------
    >>> verdict = judge_claims("tight_quota_speeds_up")["tight_quota_speeds_up"]
    >>> verdict.ruling.value, verdict.boundaries[0].where
    ('only if', 'quota < 0.2083')
    """
    claims = read_claims(file)
    chosen = claims.claims if names is None else claims.named(names)
    judge = _Judge(tell)
    done: list[Verdict] = []
    try:
        for k, claim in enumerate(chosen, 1):
            judge.before = f"claim {k} of {len(chosen)}, {claim.name}"
            done.append(judge.verdict(claim, quick))
    except KeyboardInterrupt:
        if not done:
            raise
        partial = Verdicts(claims.file, claims.essays, tuple(done), complete=False)
        message = f"the verdicts on {len(done)} of {len(chosen)} claims are shown"
        raise Interrupted(message, partial) from None
    return Verdicts(claims.file, claims.essays, tuple(done))


def rule(
    cells: Sequence[Cell], boundaries: Sequence[Boundary] = ()
) -> tuple[Ruling, Boundary | None]:
    """Return the ruling by the rule of this module, and the boundary that it names.

    Examples
    --------
    >>> cell = Cell("default", "a.x > b.x", Truth.HOLDS, 0.1, 0.1, False, 1, "")
    >>> rule([cell])
    (<Ruling.YES: 'yes'>, None)
    """
    truths = {cell.truth for cell in cells}
    if not cells:
        return Ruling.NOT_MODELED, None
    if Truth.UNKNOWN in truths:
        return Ruling.UNSOLVED, None
    if Truth.DEPENDS in truths:
        return Ruling.UNDECIDED, None
    if len(truths) > 1:
        return Ruling.MIXED, None
    if (nearest := _nearest(boundaries)) is not None:
        return Ruling.ONLY_IF, nearest
    return (Ruling.YES if truths == {Truth.HOLDS} else Ruling.NO), None


def _nearest(boundaries: Sequence[Boundary]) -> Boundary | None:
    moving = [boundary for boundary in boundaries if boundary.moves and not boundary.beside]
    return min(moving, key=lambda boundary: boundary.distance, default=None)


def _of_one(truths: set[Truth]) -> bool:
    return truths in ({Truth.HOLDS}, {Truth.FAILS})


class _Judge:
    """Solves what claims ask about; a regime at one case is solved once for all claims."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.before = ""
        self.games: dict[str, Game] = {}
        self.solutions: dict[tuple[Any, ...], Solution] = {}

    def verdict(self, claim: Claim, quick: bool) -> Verdict:
        if claim.game is None:
            return Verdict(claim, Ruling.NOT_MODELED, "not modeled")
        if claim.game not in self.games:
            self.games[claim.game] = loaded_game(claim.game)
        game = self.games[claim.game]
        cells = tuple(cell for case in claim.cases for cell in self.cells(claim, game, case))
        boundaries = (
            ()
            if quick
            else tuple(self.boundary(claim.game, game, search) for search in claim.searches)
        )
        ruling, named = rule(cells, boundaries)
        says = _words(ruling, cells, boundaries, named, len(claim.cases) > 1)
        return Verdict(claim, ruling, says, cells, boundaries, quick and bool(claim.searches))

    def cells(self, claim: Claim, game: Game, case: Case) -> Iterator[Cell]:
        base = values(game, preset=case.preset, parameters=case.settings)
        categorical = categorical_values(game, base)
        read = {}
        for proposition in claim.propositions:
            parts = (proposition.margin, proposition.left, proposition.right)
            read[proposition] = [outcome_of(game, text, categorical) for text in parts]
            for part in read[proposition]:
                bare = [key for key in part.inputs if "." not in key and key not in base]
                if bare and game.regimes:
                    raise SpecError(
                        Problem(
                            f"claim {claim.name}: {proposition.text!r}",
                            f"{bare[0]!r} does not say of which regime",
                            f"Write REGIME.{bare[0]}",
                        )
                    )
        named = {name for parts in read.values() for part in parts for name in part.others}
        regimes = [regime.name for regime in game.regimes if regime.name in named]
        if game.regimes and not regimes:
            raise SpecError(Problem(f"claim {claim.name}", "it names no regime of the game"))
        command = _solving(claim.game or "", game, regimes, case)
        for proposition, (margin, *sides) in read.items():
            mine = {name for part in (margin, *sides) for name in part.others}
            asked = [name for name in regimes if name in mine] or [AS_WRITTEN]
            found = {name: self.solution(game, name, case) for name in asked}
            reason = next((s.reason for s in found.values() if not s.equilibria), "")
            low = high = size = np.nan
            if not reason:
                draws = _as_draws(found)
                (low,), (high,) = margin.values(draws, asked[0], base)
                size = np.abs([side.values(draws, asked[0], base) for side in sides]).max()
            if not (isfinite(low) and isfinite(high)):
                unknown = (Truth.UNKNOWN, np.nan, np.nan, False, 0)
                why = reason or "a side of it is undefined there"
                yield Cell(case.name, proposition.text, *unknown, command, why)
                continue
            slack = EQUAL * size
            truth = Truth.HOLDS if low > slack else Truth.FAILS if high <= slack else Truth.DEPENDS
            closest = low if truth is Truth.HOLDS else -high
            yield Cell(
                case.name,
                proposition.text,
                truth,
                float(low),
                float(high),
                truth is not Truth.DEPENDS and bool(closest <= tolerances.TIE * size),
                max(len(solution.equilibria) for solution in found.values()),
                command,
            )

    def solution(self, game: Game, regime: str, case: Case) -> Solution:
        key = (game.name, regime, case.preset, tuple(sorted(case.settings.items())))
        if key not in self.solutions:
            where = "" if regime == AS_WRITTEN else f" under {regime}"
            self.tell(f"{self.before}: solving {game.name}{where}, {case.name}")
            overlay = None if regime == AS_WRITTEN else regime
            self.solutions[key] = solve(
                game, regime=overlay, preset=case.preset, **dict(case.settings)
            )
        return self.solutions[key]

    def boundary(self, name: str, game: Game, search: Search) -> Boundary:
        case = search.case
        self.tell(f"{self.before}: along {search.parameter}, {case.name}")
        found = find_tips(
            game,
            search.parameter,
            low=search.low,
            high=search.high,
            preset=case.preset,
            outcome=search.proposition.margin,
            tolerance=TOLERANCE,
            parameters=_others(search),
        )
        (line,) = found.series
        stretches: dict[Truth, list[Range]] = {truth: [] for truth in Truth}
        for stretch in line.stretches:
            truth = _SIGNS.get(stretch.state, Truth.DEPENDS)
            stretches[truth].append((stretch.low, stretch.high))
        unsolved = stretches[Truth.UNKNOWN]
        return Boundary(
            search.parameter,
            found.label,
            case.name,
            search.proposition.text,
            found.low,
            found.high,
            self.usual(game, search),
            tuple(_joined(stretches[Truth.HOLDS], unsolved)),
            tuple(_joined(stretches[Truth.FAILS], unsolved)),
            tuple(_joined(stretches[Truth.DEPENDS], unsolved)),
            tuple(unsolved),
            tuple((tip.low, tip.high) for tip in found.flips),
            _tipping(name, search, found),
            found.complete,
            search.beside,
        )

    def usual(self, game: Game, search: Search) -> float:
        """Return the parameter's value at the case: the regimes' own if they agree on one."""
        case = search.case
        plain = values(game, preset=case.preset, parameters=case.settings)
        read = outcome_of(game, search.proposition.margin, categorical_values(game, plain))
        at = {
            float(
                values(game, regime=name, preset=case.preset, parameters=case.settings)[
                    search.parameter
                ]
            )
            for name in read.others
        }
        return at.pop() if len(at) == 1 else float(plain[search.parameter])


_SIGNS = {"above 0": Truth.HOLDS, "below 0": Truth.FAILS, "0": Truth.FAILS, "": Truth.UNKNOWN}
"""What a stretch of the margin says about the proposition."""


def _joined(stretches: Sequence[Range], unsolved: Sequence[Range]) -> Iterator[Range]:
    """Yield stretches in order, as one where they meet, or where only gaps lie between."""
    gaps = set(unsolved)
    one: Range | None = None
    for low, high in stretches:
        if one is not None and (one[1] == low or (one[1], low) in gaps):
            one = one[0], high
            continue
        if one is not None:
            yield one
        one = low, high
    if one is not None:
        yield one


def _others(search: Search) -> dict[str, Any]:
    """Return what the case sets besides the parameter that is varied."""
    return {n: value for n, value in search.case.settings.items() if n != search.parameter}


def _as_draws(found: Mapping[str, Solution]) -> Draws:
    """Return solutions as one draw, of which an outcome can be read."""
    bounds = [solution.bounds() for solution in found.values()]
    names = tuple(dict.fromkeys(name for bound in bounds for name in bound))
    table = np.array(
        [[bound.get(name, (np.nan, np.nan)) for name in names] for bound in bounds]
    ).reshape(1, len(found), len(names), 2)
    count = np.array([[len(solution.equilibria) for solution in found.values()]])
    zero = np.zeros_like(count)
    return Draws(tuple(found), names, table[..., 0], table[..., 1], count, zero.astype(float), zero)


def _solving(name: str, game: Game, regimes: Sequence[str], case: Case) -> str:
    """Return the command that shows what a case's regimes bring about."""
    if not regimes:
        return shlex.join(["highfence", "solve", name, *_options(case)])
    asked = ["--regimes", ",".join(regimes), *_options(case)]
    alone = [] if game.commitment is None else ["--no-commitment"]
    return shlex.join(["highfence", "compare", name, *asked, *alone])


def _tipping(game: str, search: Search, found: Tipping) -> str:
    range_ = []
    if search.low is not None or search.high is not None:
        range_ = ["--between", f"{found.low:g}:{found.high:g}"]
    given = _options(replace(search.case, settings=_others(search)))
    outcome = ["--outcome", search.proposition.margin, "--tolerance", f"{TOLERANCE:g}"]
    return shlex.join(["highfence", "tipping", game, search.parameter, *range_, *given, *outcome])


def _options(case: Case) -> list[str]:
    given = ["--preset", case.preset] if case.preset is not None else []
    for name, value in case.settings.items():
        given += ["--set", f"{name}={value}"]
    return given


# ---------------------------------------------------------------------------------------------
# In words


def _words(
    ruling: Ruling,
    cells: Sequence[Cell],
    boundaries: Sequence[Boundary],
    named: Boundary | None,
    several: bool,
) -> str:
    """Return a ruling in words."""
    match ruling:
        case Ruling.ONLY_IF:
            assert named is not None
            holds = "holds" if cells[0].truth is Truth.HOLDS else "fails"
            at = f" under {named.case}" if several else ""
            more = sum(boundary.moves and not boundary.beside for boundary in boundaries) - 1
            others = f"; {more} more {'boundary' if more == 1 else 'boundaries'}" if more else ""
            what = f" for {named.proposition}" if len({c.proposition for c in cells}) > 1 else ""
            return f"only if {named.where}{what}{at} (at {named.value:g} it {holds}){others}"
        case Ruling.MIXED:
            return _mixed(cells)
        case Ruling.UNDECIDED:
            return f"not decided: several equilibria{_under(cells, Truth.DEPENDS)}"
        case Ruling.UNSOLVED:
            return f"not solved: nothing certified{_under(cells, Truth.UNKNOWN)}"
        case _:
            return ruling.value


def _under(cells: Sequence[Cell], truth: Truth) -> str:
    """Return the cases where it is so, unless there is but one case."""
    if len({cell.case for cell in cells}) == 1:
        return ""
    return f" under {_listed([cell.case for cell in cells if cell.truth is truth])}"


def _mixed(cells: Sequence[Cell]) -> str:
    """Return ``mixed: yes under default, no under conservative``, or the like by proposition."""
    by_case = _sorted(cells, "case")
    by_proposition = _sorted(cells, "proposition")
    if by_proposition["part"]:
        told = [f"{w} under {_listed(by_case[w])}" for w in ("yes", "no") if by_case[w]]
        part = [f"{counted} hold under {case}" for case, counted in by_case["part"].items()]
        return "mixed: " + "; ".join([", ".join(told), *part] if told else part)
    told = [f"{w} for {_listed(by_proposition[w])}" for w in ("yes", "no") if by_proposition[w]]
    return f"mixed: {', '.join(told)}"


def _sorted(cells: Sequence[Cell], by: str) -> dict[str, dict[str, str]]:
    """Return what holds in all of its cells, in none, and in how many otherwise."""
    made: dict[str, dict[str, str]] = {"yes": {}, "no": {}, "part": {}}
    for name in dict.fromkeys(getattr(cell, by) for cell in cells):
        mine = [cell.truth is Truth.HOLDS for cell in cells if getattr(cell, by) == name]
        word = "yes" if all(mine) else "part" if any(mine) else "no"
        made[word][name] = f"{sum(mine)} of {len(mine)}"
    return made


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)
