"""Scenario discovery: under which assumptions does a condition on the regimes hold?

The game is solved at many draws of its numbers; draws at which the condition holds are *cases*.
PRIM then looks for a box of few assumptions that holds mostly cases, and many of them, and CART
for a tree of such boxes. Draws without a certified answer, and draws at which it depends on
which equilibrium is played, are neither cases nor the contrary: they are left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tolerances
from ..errors import RequestError, did_you_mean
from ._request import Request
from .boxes import Box, Leaf, Peeling, cart, prim_of_few
from .outcome import Outcome, game_with_regimes, values_given
from .robust import share_interval
from .sample import generator_of
from .scan import regimes_asked

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ..spec.model import Game
    from .draws import Draws

    Array = NDArray[np.float64]

__all__ = ["Discovery", "HeldOut", "discover", "discover_in", "solved_for"]

FOLDS = 5
"""Parts of the draws by which the box is checked on draws that it was not made from."""
FEWEST = 5
"""Cases without which no further box is looked for."""


@dataclass(frozen=True)
class HeldOut:
    """What boxes found in the same way hold of draws that they were not made from."""

    density: float
    coverage: float
    folds: int


@dataclass(frozen=True)
class Discovery:
    """Boxes of assumptions in which a condition holds."""

    game: str
    title: str
    regime: str | None
    """The regime that the condition is about; None if it names its regimes itself."""
    regime_label: str
    condition: str
    formula: str
    preset: str | None
    parameters: Mapping[str, Any]
    changed: tuple[str, ...]
    drawn: tuple[str, ...]
    among: tuple[str, ...]
    """The parameters that boxes may limit."""
    labels: Mapping[str, str]
    units: Mapping[str, str]
    draws: int
    used: int
    """Draws at which it is certain whether the condition holds."""
    cases: int
    """Draws at which it holds."""
    undefined: Mapping[str, int]
    """Regime -> draws without a certified answer, of the regimes that the condition reads."""
    lost: int
    """Draws without an answer, all told."""
    depends: int
    """Draws at which it depends on which equilibrium is played."""
    boxes: tuple[Peeling, ...]
    """The first among all draws, each further one among the draws outside those before."""
    shares: tuple[tuple[float, float], ...]
    """Coverage and mass of each reported box, of all cases and of all draws used."""
    held_out: HeldOut | None
    """Of the first box; None if there are too few cases."""
    tree: tuple[Leaf, ...]
    notes: tuple[str, ...]

    @property
    def density(self) -> float:
        """The share of the draws used at which the condition holds."""
        return self.cases / self.used if self.used else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 percent interval of that share (Wilson 1927)."""
        return share_interval(self.cases, self.used)

    def to_dict(self) -> dict[str, Any]:
        """Return the discovery with the keys of ``highfence discover --json``.

        The command prints ``{"discoveries": [...]}``, one for each regime asked about.

        Returns
        -------
        dict
            ``game``, ``regime`` or null, ``condition``, ``formula``, ``preset``, ``parameters``,
            ``drawn``, ``among``; ``draws``, ``used``, ``cases``, ``density``, ``interval``,
            ``undefined`` {regime: draws}, ``lost``, ``depends``; ``boxes`` [{ends {parameter:
            [low or null, high or null]}, limits [{parameter, side, value, quasi_p}], inside,
            cases, coverage, density, mass, coverage_of_all, mass_of_all, reason, chosen,
            trajectory [box]}]; ``held_out`` {density, coverage, folds} or null; ``tree`` [box
            with ``says``]; ``notes`` [text].
        """

        def box(found: Box) -> dict[str, Any]:
            return {
                "ends": {name: list(ends) for name, ends in found.ends.items()},
                "limits": [dict(vars(limit)) for limit in found.limits],
                "inside": found.inside,
                "cases": found.cases,
                "coverage": found.coverage,
                "density": found.density,
                "mass": found.mass,
            }

        return {
            "game": self.game,
            "regime": self.regime,
            "condition": self.condition,
            "formula": self.formula,
            "preset": self.preset,
            "parameters": dict(self.parameters),
            "drawn": list(self.drawn),
            "among": list(self.among),
            "draws": self.draws,
            "used": self.used,
            "cases": self.cases,
            "density": self.density,
            "interval": list(self.interval),
            "undefined": dict(self.undefined),
            "lost": self.lost,
            "depends": self.depends,
            "boxes": [
                {
                    **box(found.box),
                    "coverage_of_all": coverage,
                    "mass_of_all": mass,
                    "reason": found.reason,
                    "chosen": found.chosen,
                    "trajectory": [box(one) for one in found.boxes],
                }
                for found, (coverage, mass) in zip(self.boxes, self.shares, strict=True)
            ],
            "held_out": None if self.held_out is None else dict(vars(self.held_out)),
            "tree": [{**box(leaf.box), "says": leaf.says} for leaf in self.tree],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from ..report.discover_text import discover_text

        text: str = discover_text(self)
        return text


def discover(
    game: Game | str | Path,
    condition: str,
    regime: str | None = None,
    *,
    draws: Mapping[str, ArrayLike],
    among: Sequence[str] | None = None,
    boxes: int = 2,
    most: int = 3,
    density: float = 0.8,
    least: float = 0.05,
    rng: int | np.random.Generator = 0,
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
    **named: Any,
) -> Discovery:
    """Find the assumptions under which a condition holds.

    Parameters
    ----------
    game
        A game with regimes, its name in the catalogue, or its file.
    condition
        A flag, or a condition such as ``"broad.K_H > none.K_H"`` (see
        :mod:`highfence.study.outcome`).
    regime
        The regime that the condition is about, where it names outcomes without a regime.
    draws
        Parameter -> values, all of one length (:func:`highfence.study.uncertainty.draw`).
    among
        Parameters that boxes may limit; by default all drawn ones that vary, but one only of
        those that are a line of one another (such as ``mM = 1 - mF``).
    boxes
        How many to look for with PRIM.
    most
        Parameters that a box may limit.
    density, least
        As in :func:`highfence.study.boxes.prim_of_few`.
    rng
        A seed or a generator, for the parts of cross-validation.
    preset, parameters, named
        Values of parameters that are not drawn, in a mapping or as keywords.
    workers, tolerance, progress
        As in :func:`highfence.study.draws.solve_draws`.

    Raises
    ------
    RequestError
        A name is unknown, the condition is a number or needs a regime, or it cannot be told at
        any draw whether it holds.
    SpecError
        The condition is not a formula of the game.

    Notes
    -----
    A condition that holds at every draw, or at none, has no boxes: the notes say so.

    See Also
    --------
    discover_in : the same in answers that are solved already.
    """
    loaded = game_with_regimes(game)
    _check(loaded, draws, among, boxes)
    given = values_given(parameters, named)
    found = solved_for(
        loaded, condition, [regime], draws=draws, preset=preset, workers=workers,
        tolerance=tolerance, progress=progress, parameters=given,
    )  # fmt: skip
    return discover_in(
        loaded, found, draws, condition, regime, among=among, boxes=boxes, most=most,
        density=density, least=least, rng=rng, preset=preset, parameters=given,
    )  # fmt: skip


def solved_for(
    game: Game,
    condition: str,
    regimes: Sequence[str | None],
    *,
    draws: Mapping[str, ArrayLike],
    preset: str | None = None,
    workers: int = 1,
    tolerance: float = tolerances.REGRET_BATCH,
    progress: Callable[[int, int], None] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Draws:
    """Solve the regimes that a condition is about, and those that it names, at every draw.

    Parameters
    ----------
    regimes
        The regimes that it is about; None where it names its regimes itself.
    """
    request = Request(game, preset, dict(parameters or {}), workers, tolerance, progress)
    asked: dict[str, None] = {}
    for regime in regimes:
        measured = _measured(request, condition, regime)
        asked |= dict.fromkeys(_regimes(game, measured, regime))
    return request.solve(draws, tuple(asked))


def _measured(request: Request, condition: str, regime: str | None) -> Outcome:
    measured = request.outcome(condition)
    if not measured.condition:
        raise RequestError(
            f"{condition} is a number, not a condition. Compare it: '{condition} > 0'"
        )
    needs = [key for key in measured.inputs if "." not in key and key not in request.base]
    if regime is None and needs:
        raise RequestError(
            f"{condition} reads {needs[0]} without saying of which regime. Name the regime, or "
            f"write REGIME.{needs[0]}"
        )
    if not measured.inputs:
        raise RequestError(f"{condition} reads no outcome of the game")
    return measured


def _regimes(game: Game, measured: Outcome, regime: str | None) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys([*([regime] if regime else []), *measured.others]))
    if not wanted:
        raise RequestError(f"{measured.name} reads no outcome of a regime")
    return regimes_asked(game, wanted)


def _check(
    game: Game, draws: Mapping[str, ArrayLike], among: Sequence[str] | None, boxes: int
) -> None:
    for name in among or ():
        if name not in draws:
            raise RequestError(f"{game.name}: {name} is not drawn. {did_you_mean(name, draws)}")
    if boxes < 1:
        raise RequestError(f"boxes = {boxes} is not a positive number")


def discover_in(
    game: Game,
    found: Draws,
    draws: Mapping[str, ArrayLike],
    condition: str,
    regime: str | None = None,
    *,
    among: Sequence[str] | None = None,
    boxes: int = 2,
    most: int = 3,
    density: float = 0.8,
    least: float = 0.05,
    rng: int | np.random.Generator = 0,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Discovery:
    """Find the assumptions under which a condition holds, in solved draws; see :func:`discover`."""
    request = Request(game, preset, dict(parameters or {}))
    measured = _measured(request, condition, regime)
    asked = _regimes(game, measured, regime)
    for name in asked:
        if name not in found.regimes:
            raise RequestError(f"the draws were not solved under {name}, which {condition} reads")
    _check(game, draws, among, boxes)
    about = regime or asked[0]
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in draws.items()}
    low, high = measured.values(found, about, {**request.numbers(about), **columns})
    lost = np.isnan(low)
    depends = ~lost & (low != high)
    used = ~lost & ~depends
    if not used.any():
        raise RequestError(f"at no draw is it certain whether {condition} holds")
    cases = low[used] > 0.5
    names = [
        name for name in (draws if among is None else among) if np.ptp(columns[name][used]) > 0
    ]
    notes: list[str] = []
    if among is None:
        for name, twin in _twins({name: columns[name][used] for name in names}).items():
            names.remove(name)
            notes.append(f"{name} moves with {twin} in a straight line, so boxes leave it out")
    kept = {name: columns[name][used] for name in names}
    at = {name: found.regimes.index(name) for name in asked}
    peelings: tuple[Peeling, ...] = ()
    shares: tuple[tuple[float, float], ...] = ()
    tree: tuple[Leaf, ...] = ()
    held_out = None
    if cases.all() or not cases.any():
        notes.append("it holds at every draw" if cases.all() else "it holds at no draw")
    elif not names:
        notes.append("no parameter that boxes may limit varies")
    else:
        generator = generator_of(rng)
        peelings, shares = _covering(kept, cases, boxes, most, density, least)
        held_out = _held_out(kept, cases, most, density, least, generator)
        tree = cart(kept, cases, least=min(least, 0.4), rng=generator)
    labels = {r.name: r.label or r.name for r in game.regimes}
    declared = {p.name: p for p in game.parameters}
    return Discovery(
        game=game.name,
        title=game.title or game.name,
        regime=regime,
        regime_label=labels[regime] if regime else "",
        condition=condition,
        formula=measured.formula,
        preset=preset,
        parameters=request.base,
        changed=tuple(request.parameters),
        drawn=tuple(draws),
        among=tuple(names),
        labels=MappingProxyType({name: declared[name].label or name for name in names}),
        units=MappingProxyType({n: declared[n].unit for n in names if declared[n].unit}),
        draws=len(low),
        used=int(used.sum()),
        cases=int(cases.sum()),
        undefined=MappingProxyType(
            {name: int((~found.certified[:, k]).sum()) for name, k in at.items()}
        ),
        lost=int(lost.sum()),
        depends=int(depends.sum()),
        boxes=peelings,
        shares=shares,
        held_out=held_out,
        tree=tree,
        notes=tuple(notes),
    )


def _twins(columns: Mapping[str, Array]) -> dict[str, str]:
    """Return columns that are a line of an earlier one, and which one: such are ties."""
    made: dict[str, str] = {}
    units: dict[str, Array] = {}
    for name, column in columns.items():
        unit = (column - column.mean()) / column.std()
        for other, known in units.items():
            if min(np.abs(unit - known).max(), np.abs(unit + known).max()) <= tolerances.SAME:
                made[name] = other
                break
        else:
            units[name] = unit
    return made


def _covering(
    columns: Mapping[str, Array],
    cases: NDArray[np.bool_],
    boxes: int,
    most: int,
    density: float,
    least: float,
) -> tuple[tuple[Peeling, ...], tuple[tuple[float, float], ...]]:
    """Return boxes one after the other, and the coverage and mass of each among all draws."""
    left = np.ones(len(cases), dtype=bool)
    found: list[Peeling] = []
    shares: list[tuple[float, float]] = []
    for _ in range(boxes):
        flags = cases[left]
        if found and (flags.sum() < FEWEST or flags.all()):
            break
        inside = {name: column[left] for name, column in columns.items()}
        peeling = prim_of_few(inside, flags, most=most, density=density, least=least)
        box = peeling.box
        if found and (box.density <= cases.mean() or not box.ends):
            break
        found.append(peeling)
        shares.append((box.cases / float(cases.sum()), box.inside / len(cases)))
        left &= ~box.holds(columns)
        if not left.any():
            break
    return tuple(found), tuple(shares)


def _held_out(
    columns: Mapping[str, Array],
    cases: NDArray[np.bool_],
    most: int,
    density: float,
    least: float,
    rng: np.random.Generator,
) -> HeldOut | None:
    """Return what boxes made from the other parts hold of each part, all parts together."""
    count = len(cases)
    parts = rng.permutation(count) % FOLDS
    inside = held = 0
    for part in range(FOLDS):
        rest, test = parts != part, parts == part
        flags = cases[rest]
        if not test.any() or flags.sum() < FEWEST or flags.all():
            return None
        box = prim_of_few(
            {name: column[rest] for name, column in columns.items()},
            flags,
            most=most,
            density=density,
            least=least,
        ).box
        kept = test & box.holds(columns)
        inside, held = inside + int(kept.sum()), held + int((kept & cases).sum())
    return HeldOut(held / inside if inside else float("nan"), held / int(cases.sum()), FOLDS)
