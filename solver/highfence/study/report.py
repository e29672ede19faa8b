"""What a report tells: every study of one question, gathered at a small size.

A report asks all studies about the same game, numbers, regimes and player. Sections that were not
asked for, or that cannot be answered for this game, are left out with a reason; none is dropped
without a word.

What is not asked for in particular is chosen by a rule, which the report states: the regime that
is explained is the best one at the game's own numbers; the parameters along which the answer is
followed are those that move its margin most when moved alone; the condition looked into is the
flag that splits the draws most evenly.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import limits, tolerances
from ..errors import Interrupted, MethodFailed, RequestError, SpecError, did_you_mean
from ..forms.build import values_given
from ._request import Request
from .attribution import Attribution, attribute_regimes
from .compare import Comparison, compare_regimes
from .discover import Discovery, discover_in
from .draws import Draws
from .map import RegimeMap, map_regimes
from .outcome import game_with_regimes, judging_player, payoff_of
from .robust import share_interval
from .scan import declared_range, regimes_asked
from .sensitivity import Sensitivity, sensitivity
from .store import versions
from .sweep import TIE, UNCOMPARED, UNDECIDED, Sweep
from .sweep import sweep as swept_at
from .tipping import Tipping, find_tips
from .uncertainty import draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..spec.model import Game

    Array = NDArray[np.float64]

__all__ = ["DEFAULT", "SECTIONS", "Findings", "Found", "Running", "gather", "running_shares"]

SECTIONS = (
    "outcomes", "shares", "tornado", "sobol", "tipping", "map", "attribution", "discovery",
)  # fmt: skip
"""What may be asked for, in the order of the report. The regime table, the certificates, the spec
and the manifest are always there."""

DEFAULT = tuple(name for name in SECTIONS if name != "sobol")
"""What a report holds unless it is told otherwise."""

DRAWS = 128
"""Draws of the report's own sweep."""
ALONG = 2
"""Parameters along which tipping points are looked for."""
TOLERANCE = 2e-3
"""Width of their brackets, as a share of the range."""
CELLS, DEPTH = 5, 2
"""The regime map's first grid, and how often a cell may be quartered."""
SOBOL_BLOCKS, SOBOL_PARAMETERS = 128, 8
"""Blocks of a Sobol design, and the parameters in it: those with the largest swings."""
EXACT_MECHANISMS = 10
"""Mechanisms up to which all coalitions are solved unless attribution is asked for by name."""
ORDERS = 25
"""Orders of the mechanisms, each with its reverse, where they are sampled."""
STEPS = 12
"""Numbers of draws at which running shares are shown."""


@dataclass(frozen=True)
class Found:
    """A discovery, and the draws that it was made in."""

    discovery: Discovery
    holds: Array
    """(n,): 1 where the condition holds, 0 where it does not, NaN where that is not certain."""


@dataclass(frozen=True)
class Running:
    """In what share of the first n draws each regime wins. Arrays are read-only."""

    regimes: tuple[str, ...]
    """The regimes, then what else may be said of a draw: ``tie``, ``undecided``, ``not compared``;
    without those that never occur."""
    draws: NDArray[np.int64]
    """(s,): n."""
    share: Array
    """(s, r)."""
    low: Array
    """(s, r): 95 percent interval of the share (Wilson 1927)."""
    high: Array


@dataclass(frozen=True)
class Findings:
    """All that a report tells."""

    game: Game
    comparison: Comparison
    player: str | None
    """Whose payoff says which regime is best; None if nobody's does by default."""
    chosen: str | None
    """The regime that is explained: the best, or the first of those that may be."""
    baseline: str | None
    """The regime that it is explained against."""
    parameters: tuple[str, ...]
    """Along which the answer is followed, the most important first."""
    sections: tuple[str, ...]
    """What was asked for, in order."""
    left_out: Mapping[str, str]
    """Section -> why it is not there."""
    sweep: Sweep | None
    shares: Running | None
    tornado: Sensitivity | None
    sobol: Sensitivity | None
    tipping: tuple[Tipping, ...]
    map: RegimeMap | None
    attribution: tuple[Attribution, ...]
    """Of the regime that is explained, and of the worst one."""
    found: Found | None
    specification: str
    """The game as TOML text; "" for a game that has none."""
    manifest: Mapping[str, str]
    """What reproduces the report, in words."""

    @property
    def complete(self) -> bool:
        """Every section asked for is there."""
        return not any(name in self.left_out for name in self.sections)


def gather(
    game: Game | str | Path,
    regimes: Sequence[str] | None = None,
    *,
    sections: Sequence[str] | None = None,
    draws: int = DRAWS,
    rng: int = 0,
    sweep: Sweep | None = None,
    player: str | None = None,
    along: Sequence[str] | None = None,
    condition: str | None = None,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
    command: str = "",
    tell: Callable[[str], None] = lambda step: None,
) -> Findings:
    """Ask every study about a game.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    regimes
        All of the game's by default; with a sweep, those that it holds.
    sections
        Some of :data:`SECTIONS`; :data:`DEFAULT` if none are named. A section that is named may
        take as long as it needs; one that is there by default stays small.
    draws, rng
        Number and seed of the draws, from the declared ranges.
    sweep
        Draws that are solved already, of this game. Its preset and settings count, so
        ``preset`` and ``parameters`` must be left out.
    player
        Whose payoff says which regime is best; by default the owner of the decision that the
        regimes fix.
    along
        The parameters to follow the answer along: tipping points along each, and the map over
        the first two. By default those with the largest swings.
    condition
        What discovery looks for: a flag, or a condition that names its regimes.
    preset, parameters
        Values of parameters.
    workers
        Processes of the sweep and the sensitivity analysis.
    command
        The command that makes this report, for its manifest.
    tell
        Hears what is solved next.

    Raises
    ------
    RequestError
        Something in the request is wrong. What a study refuses for this game is no error: the
        section is left out with the reason.

    Notes
    -----
    The same request gives the same findings: nothing depends on the time of day. Cost: the sweep,
    n draws times the regimes, and some 500 points times the regimes for
    all else. Ctrl-C keeps nothing.
    """
    loaded = game_with_regimes(game)
    named = _sections(sections)
    wanted = DEFAULT if named is None else named
    if sweep is not None and (preset or parameters):
        raise RequestError("a sweep has its own preset and settings. Leave those of the request")
    if draws < 2:
        raise RequestError(f"{draws} draws are too few. Take at least 2")
    if sweep is not None:
        if not len(sweep):
            raise RequestError("the sweep holds no draw that is solved. Sweep first")
        preset, given = sweep.preset, dict(sweep.settings)
        asked = regimes_asked(loaded, sweep.regimes if regimes is None else regimes)
        sweep = _restricted(sweep, asked)
    else:
        given = values_given(parameters, {})
        asked = regimes_asked(loaded, regimes)
    for name in along or ():
        declared_range(loaded, name, None, None)
    request = Request(loaded, preset, given, workers)
    _check_condition(request, condition, asked)
    try:
        judge, nobody = judging_player(loaded, asked, player), ""
    except RequestError as error:
        if player is not None:
            raise
        judge, nobody = None, f"nobody judges the regimes by default; --player names one ({error})"
    comparison = compare_regimes(
        loaded, asked, preset=preset, commitment=False, parameters=given,
        tell=lambda step: tell(f"solving {step}"),
    )  # fmt: skip
    work = _Work(
        request=request, asked=asked, named=frozenset(named or ()), wanted=wanted, rng=rng,
        judge=judge, nobody=nobody, tell=tell, comparison=comparison,
    )  # fmt: skip
    try:
        return work.run(sweep, draws, along, condition, command)
    except Interrupted:  # what a study would keep is no report
        raise KeyboardInterrupt from None


def _sections(sections: Sequence[str] | None) -> tuple[str, ...] | None:
    if sections is None:
        return None
    for name in sections:
        if name not in SECTIONS:
            raise RequestError(f"there is no section {name!r}. {did_you_mean(name, SECTIONS)}")
    return tuple(name for name in SECTIONS if name in sections)


def _check_condition(request: Request, condition: str | None, asked: Sequence[str]) -> None:
    if condition is None:
        return
    measured = request.outcome(condition)
    if not measured.condition:
        raise RequestError(f"{condition} is a number, not a condition. Compare it: > 0")
    for name in measured.others:
        if name not in asked:
            raise RequestError(f"{condition} reads {name}, which is not among the regimes asked")


def _restricted(found: Sweep, regimes: Sequence[str]) -> Sweep:
    """Return a sweep of some of its regimes."""
    for name in regimes:
        if name not in found.regimes:
            raise RequestError(
                f"the sweep does not hold the regime {name!r}. {did_you_mean(name, found.regimes)}"
            )
    if tuple(regimes) == found.regimes:
        return found
    at = [found.regimes.index(name) for name in regimes]
    solved = found.answers
    arrays = {name: getattr(solved, name)[:, at] for name in ("low", "high", "count", "regret")}
    kept = Draws(
        regimes=tuple(regimes), names=solved.names, rejected=solved.rejected[:, at], **arrays
    )
    return replace(found, answers=kept, status=found.status[:, at], branches=None)


def running_shares(found: Sweep, player: str | None = None, steps: int = STEPS) -> Running:
    """Return in what share of the first n draws of a sweep each regime wins, for growing n.

    Parameters
    ----------
    player
        As in :meth:`highfence.study.sweep.Sweep.best`.
    steps
        How many n, evenly spaced in the logarithm, the last one being all draws.

    Notes
    -----
    Intervals are those of independent draws; the draws of a Latin hypercube are spread more
    evenly, so that these intervals are, if anything, too wide.
    """
    best = found.best(player)
    count = len(best)
    kinds = {name: k for k, name in enumerate(found.regimes)}
    kinds |= {"tie": TIE, "undecided": UNDECIDED, "not compared": UNCOMPARED}
    seen = {name: code for name, code in kinds.items() if (best == code).any()}
    first = min(10, count)
    at = np.unique(np.geomspace(first, count, steps).round().astype(np.int64))
    share = np.array([[float((best[:n] == code).mean()) for code in seen.values()] for n in at])
    ends = np.array(
        [
            [share_interval(int((best[:n] == code).sum()), int(n)) for code in seen.values()]
            for n in at
        ]
    )
    made = Running(tuple(seen), at, share, ends[..., 0], ends[..., 1])
    for array in (made.draws, made.share, made.low, made.high):
        array.setflags(write=False)
    return made


class _Work:
    """One report on its way."""

    def __init__(
        self,
        *,
        request: Request,
        asked: tuple[str, ...],
        named: frozenset[str],
        wanted: tuple[str, ...],
        rng: int,
        judge: str | None,
        nobody: str,
        tell: Callable[[str], None],
        comparison: Comparison,
    ) -> None:
        self.request, self.asked, self.named, self.wanted = request, asked, named, wanted
        self.game, self.preset, self.given = request.game, request.preset, request.parameters
        self.workers, self.tell = request.workers, tell
        self.rng, self.judge, self.nobody = rng, judge, nobody
        self.comparison = comparison
        self.left_out = {
            name: "not asked for; --sections all has everything"
            for name in SECTIONS
            if name not in wanted
        }
        best = comparison.best[judge] if judge else None
        self.chosen = best.contenders[0] if best and best.contenders else None
        others = [name for name in asked if name != self.chosen]
        self.baseline = "none" if "none" in others else (others[0] if others else None)
        if self.chosen == "none" and best is not None and best.runner_up:
            # What no controls bring about is the baseline; the nearest rival is explained.
            self.chosen, self.baseline = best.runner_up, "none"

    def part(self, section: str, made: Callable[[], Any], judged: bool = True) -> Any:
        """Return a section, or None with the reason noted."""
        if section not in self.wanted:
            return None
        if judged and self.judge is None:
            self.left_out[section] = self.nobody
            return None
        try:
            return made()
        except (RequestError, SpecError, MethodFailed) as error:
            self.left_out[section] = str(error)
            return None

    def progress(self, what: str) -> Callable[[int, int], None]:
        return lambda done, whole: self.tell(f"{what}: {done} of {whole}")

    def run(
        self,
        sweep: Sweep | None,
        draws: int,
        along: Sequence[str] | None,
        condition: str | None,
        command: str,
    ) -> Findings:
        needs_draws = {"shares", "discovery"} & set(self.wanted)
        if sweep is None and needs_draws:
            sweep = self.swept(draws, needs_draws)
        shares = found = None
        if sweep is not None or not needs_draws:
            kept = sweep
            shares = self.part("shares", lambda: self.running(kept))
            found = self.part("discovery", lambda: self.discovered(kept, condition), judged=False)
        needs_tornado = {"tornado", "sobol"} & set(self.wanted) or (
            along is None and {"tipping", "map"} & set(self.wanted)
        )
        tornado, why = (None, "")
        if needs_tornado and self.judge is not None:
            try:
                tornado = self.sensitivity("tornado")
            except (RequestError, SpecError, MethodFailed) as error:
                why = str(error)
        ranked = tornado.targets[0].ranked if tornado is not None else ()
        followed = tuple(along) if along else ranked[:ALONG]

        def following(count: int) -> tuple[str, ...]:
            if len(followed) < count:
                raise RequestError(
                    why or f"{self.game.name} has too few parameters with a range to follow"
                )
            return followed

        def swings() -> Sensitivity:
            if tornado is None:
                raise RequestError(why or self.nobody)
            return tornado

        return Findings(
            game=self.game,
            comparison=self.comparison,
            player=self.judge,
            chosen=self.chosen,
            baseline=self.baseline,
            parameters=followed,
            sections=self.wanted,
            sweep=sweep,
            shares=shares,
            tornado=self.part("tornado", swings),
            sobol=self.part("sobol", lambda: self.sensitivity("sobol", swings())),
            tipping=self.part("tipping", lambda: self.tips(following(1))) or (),
            map=self.part("map", lambda: self.mapped(following(2))),
            attribution=self.part("attribution", self.attributed) or (),
            found=found,
            left_out=MappingProxyType(self.left_out),
            specification=_text(self.game),
            manifest=MappingProxyType(self.manifest(sweep, command)),
        )

    def swept(self, count: int, needed: set[str]) -> Sweep | None:
        try:
            table = draw(
                self.game, count, self.rng, preset=self.preset, parameters=self.given,
                regimes=self.asked,
            )  # fmt: skip
            return swept_at(
                self.game, table, self.asked, preset=self.preset, workers=self.workers,
                design=f"latin hypercube, seed {self.rng}", parameters=self.given,
                progress=self.progress("draws"),
            )  # fmt: skip
        except (RequestError, SpecError, MethodFailed) as error:
            self.left_out.update({name: str(error) for name in needed})
            return None

    def running(self, sweep: Sweep | None) -> Running:
        assert sweep is not None
        if len(self.asked) < 2:
            raise RequestError("a regime wins against others; one is compared")
        if sweep.design.startswith("grid"):
            raise RequestError("the sweep is a grid: its points were chosen, so shares say nothing")
        return running_shares(sweep, self.judge)

    def sensitivity(self, method: str, tornado: Sensitivity | None = None) -> Sensitivity:
        if self.chosen is None:
            raise RequestError(
                "no equilibrium was found under any regime at the game's own numbers"
            )
        target = f"margin({self.chosen})" if len(self.asked) > 1 else str(self.judge)
        names = None if tornado is None else tornado.targets[0].ranked[:SOBOL_PARAMETERS]
        if names == ():
            raise RequestError(
                "the parameters that matter most are not known, since the margin is undefined "
                "at the game's own numbers"
            )
        return sensitivity(
            self.game, target, self.asked, method=method, draws=SOBOL_BLOCKS, rng=self.rng,
            names=names, preset=self.preset, parameters=self.given, player=self.judge,
            second_order=False, workers=self.workers,
            progress=self.progress(f"{method} sensitivity"),
        )  # fmt: skip

    def tips(self, names: Sequence[str]) -> tuple[Tipping, ...]:
        return tuple(map(self.tip, names))

    def tip(self, name: str) -> Tipping:
        return find_tips(
            self.game, name, self.asked, preset=self.preset, player=self.judge,
            tolerance=TOLERANCE, parameters=self._given(name, of=False),
            around=self._given(name, of=True),
            tell=lambda step: self.tell(f"tipping points of {name}: {step}"),
        )  # fmt: skip

    def mapped(self, names: Sequence[str]) -> RegimeMap:
        return map_regimes(
            self.game, names[0], names[1], self.asked, cells=CELLS, depth=DEPTH,
            preset=self.preset, player=self.judge, workers=self.workers,
            parameters=self._given(*names[:2], of=False),
            around=self._given(*names[:2], of=True), tell=lambda step: self.tell(f"map: {step}"),
        )  # fmt: skip

    def _given(self, *names: str, of: bool) -> dict[str, Any]:
        """Return what was given of these parameters, or of all others."""
        return {name: value for name, value in self.given.items() if (name in names) is of}

    def attributed(self) -> tuple[Attribution, ...]:
        if not self.game.mechanisms:
            raise RequestError(f"{self.game.name} declares no mechanisms")
        if self.chosen is None or self.baseline is None:
            raise RequestError("there are no two regimes with an equilibrium to compare")
        count = len(self.game.mechanisms)
        small = "attribution" not in self.named
        if small and EXACT_MECHANISMS < count <= limits.MAX_EXACT_MECHANISMS:
            raise RequestError(
                f"{count} mechanisms have {2**count} coalitions; --sections attribution solves them"
            )
        judge = str(self.judge)
        payoffs = {r.name: r.payoffs[judge] for r in self.comparison.regimes if r.payoffs}
        worst = min(payoffs, key=lambda name: payoffs[name][0])
        explained = dict.fromkeys([self.chosen, *([worst] if worst != self.baseline else [])])
        return attribute_regimes(
            self.game, list(explained), self.baseline, payoff_of(self.game, judge),
            permutations=ORDERS, interactions=False, rng=self.rng, preset=self.preset,
            workers=self.workers, progress=self.progress("coalitions"), parameters=self.given,
        )  # fmt: skip

    # -- discovery -------------------------------------------------------------------------

    def discovered(self, sweep: Sweep | None, condition: str | None) -> Found:
        assert sweep is not None
        self.tell("looking for boxes")
        if condition is None:
            condition, regime = self.condition(sweep)
        else:
            regime = self.regime_for(condition)
        discovery = discover_in(
            self.game, sweep.answers, sweep.inputs, condition, regime, rng=self.rng,
            preset=self.preset, parameters=self.given,
        )  # fmt: skip
        return Found(discovery, self.holding(sweep, condition, regime))

    def regime_for(self, condition: str) -> str | None:
        """Return the regime that a condition is about, if it needs one: the one explained."""
        measured = self.request.outcome(condition)
        needs = any("." not in key and key not in self.request.base for key in measured.inputs)
        return (self.chosen or self.asked[0]) if needs else None

    def holding(self, sweep: Sweep, condition: str, regime: str | None) -> Array:
        measured = self.request.outcome(condition)
        about = regime or (measured.others or self.asked)[0]
        known = {**self.request.numbers(about), **sweep.inputs}
        low, high = measured.values(sweep.answers, about, known)
        holds = np.where(low == high, low, np.nan)
        holds.setflags(write=False)
        return holds

    def condition(self, sweep: Sweep) -> tuple[str, str | None]:
        """Return the flag, and its regime, that splits the draws most evenly.

        A game without flags that ever differ is asked where the best regime stops being best.
        """
        splits: list[tuple[float, str, str]] = []
        for flag in self.game.flags:
            try:
                measured = self.request.outcome(flag)
            except SpecError:
                continue
            if not set(measured.others) <= set(self.asked):
                continue
            for regime in self.asked:
                holds = self.holding(sweep, flag, regime)
                known = holds[~np.isnan(holds)]
                if len(known) and 0 < known.mean() < 1:
                    splits.append((abs(float(known.mean()) - 0.5), flag, regime))
        if splits:
            _, flag, regime = min(splits, key=lambda split: split[0])
            return flag, self.regime_for(flag) and regime
        best = self.comparison.best[self.judge] if self.judge else None
        if best is None or not best.regime or not best.runner_up:
            raise RequestError(
                "no flag of the game differs from draw to draw; --condition says what to look for"
            )
        return f"{best.runner_up}.{self.judge} > {best.regime}.{self.judge}", None

    # -- manifest --------------------------------------------------------------------------

    def manifest(self, sweep: Sweep | None, command: str) -> dict[str, str]:
        text = _text(self.game)
        told = {f"{name}": f"{value!s}" for name, value in self.given.items()}
        made = {
            "game": self.game.name,
            "read from": Path(self.game.file).name,
            "specification (SHA-256)": hashlib.sha256(text.encode()).hexdigest()
            if text
            else "none: the game holds Python functions",
            "preset": self.preset or "none",
            "settings": ", ".join(f"{n} = {v}" for n, v in told.items()) or "none",
            "regimes": ", ".join(self.asked),
            "judged by": self.judge or "nobody",
            "sections": ", ".join(self.wanted),
            "seed": str(self.rng),
        }
        if sweep is not None:
            made["draws"] = f"{len(sweep)} of {', '.join(sweep.inputs)}"
            made["design"] = sweep.design
            made["answers (SHA-256)"] = _digest(sweep)
            made["certified to"] = f"a regret of {sweep.manifest['tolerance']} of the payoff scale"
        made["near tie"] = f"a margin within {tolerances.TIE:g} of the largest payoff"
        made.update(_versions())
        if command:
            made["command"] = command
        return made


def _digest(sweep: Sweep) -> str:
    """Return a digest of the draws and the bounds of their answers."""
    made = hashlib.sha256()
    for column in sweep.inputs.values():
        made.update(np.ascontiguousarray(column, "<f8").tobytes())
    for side in (sweep.answers.low, sweep.answers.high):
        made.update(np.ascontiguousarray(side, "<f8").tobytes())
    return made.hexdigest()


def _versions() -> dict[str, str]:
    """Return the versions of what answers and drawings depend on."""
    made = dict(versions())
    for name in ("SALib", "matplotlib", "jinja2"):
        made[name] = version(name)
    return {**made, "Python": platform.python_version()}


def _text(game: Game) -> str:
    """Return the game as TOML; "" if it holds functions."""
    from ..spec.toml import dumps

    try:
        return dumps(game)
    except (RequestError, SpecError):
        return ""
