"""Validation of a game: all mistakes at once, each with its place and its fix.

Three passes. *Structure*: names, players, ranges, actions, references. *Formulas*: every
formula is compiled, for each combination of categorical values. *Probing* (only where the
first two find nothing): a few hundred plays are drawn, at the declared values and over the
declared ranges, and on them probabilities must sum to one, intervals must not be empty,
some action must be available, and payoffs and outcomes must be finite. Probing proves
nothing; it finds what a sample finds, and names the point.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product
from math import isinf
from typing import Any

from .. import limits
from ..errors import Problem, SpecError, did_you_mean
from .formulas import BUILTINS, Expr, as_float, input_names
from .model import (
    CONFIDENCE,
    ORIGINS,
    Chance,
    Decision,
    Game,
    Interval,
    Parameter,
    Player,
    Published,
    Regime,
    Stage,
    State,
    Target,
    exact,
)
from .resolve import Resolved, derived_names, family, resolve
from .sentences import compile_sentences

__all__ = ["combinations", "validate"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ELEMENT = re.compile(r"[A-Za-z0-9_]+\Z")
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_RESERVED = {*keyword.kwlist, *BUILTINS}
_ARGUMENTS = {"game", "method", "preset", "regime", "regimes"}
"""Arguments of solve and compare, which take parameters as keywords."""

_MAX_COMBINATIONS = 64  # of categorical values whose formulas are compiled


def validate(game: Game) -> None:
    """Check a game.

    Raises
    ------
    SpecError
        The game is not well defined; all mistakes are listed.
    LimitExceeded
        The formulas are larger than a limit allows.

    Notes
    -----
    Cost: proportional to the formulas times the combinations of categorical values (the
    first 64 of them).
    """
    check = _Structure(game)
    check.run()
    found = check.problems
    resolved: list[Resolved] = []
    if not check.broken:
        resolved = _formulas(game, found, check.uneven)
    if not found:
        from .probe import probe

        wide: set[str] = set()
        for one in resolved:
            probe(one, found, wide)
            if found:
                break
        if not found:
            _never_available(resolved, found)
            _never_wide(resolved, wide, found)
    if found:
        raise SpecError(dict.fromkeys(found))


def combinations(game: Game) -> Iterator[dict[str, str]]:
    """Yield the combinations of categorical values, the declared one first."""
    categorical = [parameter for parameter in game.parameters if parameter.choices]
    ordered = [
        [str(p.value), *(choice for choice in p.choices if choice != p.value)] for p in categorical
    ]
    for values in product(*ordered):
        yield dict(zip((p.name for p in categorical), values, strict=True))


# ---------------------------------------------------------------------------------------------
# Formulas


def _formulas(game: Game, problems: list[Problem], uneven: set[str]) -> list[Resolved]:
    """Compile all formulas for every combination; return what compiled without a mistake."""
    made: list[Resolved] = []
    noise = tuple(f"{move} has no attribute" for move in uneven)
    for k, categorical in enumerate(islice(combinations(game), _MAX_COMBINATIONS)):
        found: list[Problem] = []
        one = resolve(game, categorical, problems=found)
        _information(one, found)
        if k == 0:
            compile_sentences(game, categorical, found)
            _sizes(one, found)
        known = {(p.place, p.reason) for p in problems}
        where = ", ".join(f"{name}={value}" for name, value in categorical.items())
        for problem in found:
            if noise and problem.reason.startswith(noise):
                continue
            if (problem.place, problem.reason) in known:
                continue
            reason = f"{problem.reason} where {where}" if k else problem.reason
            problems.append(Problem(problem.place, reason, problem.fix, None, problem.column))
        if not found:
            key = ("resolved", *(str(value) for value in categorical.values()))
            game.cache[key] = one
            made.append(one)
    return made


def _sizes(resolved: Resolved, problems: list[Problem]) -> None:
    reported = resolved.game.outcomes or ()
    for name in reported:
        if name not in resolved.moves:
            continue
        try:
            resolved.outcome(name)
        except KeyError:
            problems.append(
                Problem(
                    f"{resolved.game.file}: outcomes",
                    f"{name!r} is a move, not a number",
                    "Report a derived quantity, such as an attribute of it",
                )
            )


def _information(resolved: Resolved, problems: list[Problem]) -> None:
    """Check what moves depend on and observe, and that no player forgets."""
    file, moves, stage_of = resolved.game.file, resolved.moves, resolved.stage_of
    seen: dict[str, str] = {}
    for stage in resolved.stages:
        for move in stage.moves:
            if move.name in seen:
                problems.append(
                    Problem(
                        f"{file}: stages.{stage.name}.{move.name}",
                        f"the move {move.name!r} stands in the stage {seen[move.name]!r} too",
                        "Rename one, or give the two stages 'when' conditions that exclude "
                        "each other",
                    )
                )
            seen[move.name] = stage.name
    for name, move in moves.items():
        stage = resolved.stages[stage_of[name]]
        place = f"{file}: stages.{stage.name}.{name}"
        earlier = {other for other in moves if stage_of[other] < stage_of[name]}
        if isinstance(move, Chance):
            known = earlier
            exprs = [(outcome, e) for outcome, e in _rows(move.outcomes, resolved, name)]
            what = "the probability"
        else:
            known = set(resolved.observed(move)) | _own(resolved, move)
            if isinstance(move.actions, Interval):
                exprs = list(zip(("low", "high"), resolved.bounds[name], strict=True))
                what = "the bound"
            else:
                labels = [f"{action.name}.when" for action in move.actions]
                exprs = list(zip(labels, resolved.available[name], strict=True))
                what = "the condition"
        for key, expr in exprs:
            for other in sorted((input_names([expr]) & set(moves)) - known):
                late = other not in earlier
                reason = "is not made earlier" if late else f"{name} does not observe"
                problems.append(
                    Problem(
                        f"{place}.{key}",
                        f"{what} depends on {other!r}, which {reason}",
                        "Use parameters and earlier moves only"
                        if late
                        else f"Add {other!r} to 'observes', or change the formula",
                    )
                )
        if isinstance(move, Decision):
            _recall(resolved, move, place, problems)


def _rows(outcomes: Iterable[str], resolved: Resolved, name: str) -> list[tuple[str, Expr]]:
    return list(zip(outcomes, resolved.probabilities[name], strict=True))


def _recall(resolved: Resolved, move: Decision, place: str, problems: list[Problem]) -> None:
    """Check that the player still knows what they knew before (what they did, they know)."""
    stage_of = resolved.stage_of
    known = {*resolved.observed(move), move.name} | _own(resolved, move)
    forgotten: dict[str, str] = {}
    for other in resolved.moves.values():
        if not isinstance(other, Decision) or other.player != move.player or other is move:
            continue
        before, now = stage_of[other.name], stage_of[move.name]
        if before > now:  # a later decision
            continue
        for name in resolved.observed(other):
            if name not in known and not _single(resolved.moves[name]):
                forgotten.setdefault(name, other.name)
    if forgotten:
        listed = ", ".join(map(repr, forgotten))
        source = next(iter(forgotten.values()))
        problems.append(
            Problem(
                f"{place}.observes",
                f"{move.player!r} forgets {listed}, known since the decision {source!r}",
                f"Add {listed} to 'observes': players remember what they saw and did",
            )
        )


def _own(resolved: Resolved, move: Decision) -> set[str]:
    """Return the earlier decisions of the same player, which the player knows in any case."""
    stage_of = resolved.stage_of
    return {
        name
        for name, other in resolved.moves.items()
        if isinstance(other, Decision)
        and other.player == move.player
        and stage_of[name] < stage_of[move.name]
    }


def _single(move: Decision | Chance) -> bool:
    if isinstance(move, Chance):
        return len(move.outcomes) == 1
    return not isinstance(move.actions, Interval) and len(move.actions) == 1


def _never_available(resolved: Sequence[Resolved], problems: list[Problem]) -> None:
    """Report actions that no probed history makes available, under any categorical values."""
    from .probe import ever_holds

    places: dict[str, bool] = {}
    for one in resolved:
        for name, conditions in one.available.items():
            stage = one.stages[one.stage_of[name]]
            actions = one.moves[name].actions  # type: ignore[union-attr]
            for action, condition in zip(actions, conditions, strict=True):  # type: ignore[arg-type]
                place = f"{one.game.file}: stages.{stage.name}.{name}.{action.name}.when"
                places[place] = places.get(place, False) or ever_holds(one, condition)
    problems.extend(
        Problem(place, "the action is never available", "Correct the condition, or drop the action")
        for place, available in places.items()
        if not available
    )


def _never_wide(resolved: Sequence[Resolved], wide: set[str], problems: list[Problem]) -> None:
    """Report intervals of one point. (Some are, on purpose, under some categorical values.)"""
    places = {
        f"{one.game.file}: stages.{one.stages[one.stage_of[name]].name}.{name}": None
        for one in resolved
        for name in one.bounds
        if name not in wide
    }
    problems.extend(
        Problem(place, "low and high are equal everywhere", "Make low less than high")
        for place in places
    )


# ---------------------------------------------------------------------------------------------
# Structure


class _Structure:
    """Everything that needs no formula.

    Attributes
    ----------
    broken
        True if the parts do not fit together so far that formulas cannot be compiled.
    uneven
        Moves whose actions have different attributes.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.problems: list[Problem] = []
        self.broken = False
        self.uneven: set[str] = set()

    def wrong(self, place: str, reason: str, fix: str = "") -> None:
        at = f"{self.game.file}: {place}" if place else self.game.file
        # A suggestion is empty only where nothing of the kind is declared.
        self.problems.append(Problem(at, reason, fix or "Declare it, or drop this"))

    def run(self) -> None:
        if not self.types():
            self.broken = True
            return
        self.texts()
        self.names()
        self.players()
        self.parameters()
        self.sets_and_functions()
        self.derived()
        self.stages()
        self.states()
        self.overlays()

    # -- types (of games written in Python; TOML has been read by now) ---------------------------

    def types(self) -> bool:
        game, before = self.game, len(self.problems)
        for key, kind in (
            ("players", Player),
            ("parameters", Parameter),
            ("stages", Stage),
            ("regimes", Regime),
            ("states", State),
        ):
            for item in getattr(game, key):
                if not isinstance(item, kind):
                    self.wrong(
                        key, f"{item!r} is not a {kind.__name__}", f"Write {kind.__name__}(...)"
                    )
                elif not isinstance(item.name, str):
                    self.wrong(key, f"the name {item.name!r} is not a text", "Quote it")
        for stage in game.stages:
            for move in stage.moves if isinstance(stage, Stage) else ():
                if not isinstance(move, Decision | Chance):
                    self.wrong(
                        f"stages.{stage.name}",
                        f"{move!r} is not a Decision or a Chance",
                        "Write Stage(name, Decision(...), Decision(...))",
                    )
                elif not isinstance(move.name, str):
                    reason = f"the name {move.name!r} is not a text"
                    self.wrong(f"stages.{stage.name}", reason, "Quote it")
        for number, row in enumerate(game.published, 1):
            if not isinstance(row, Published):
                place = f"published.#{number}"
                self.wrong(place, f"{row!r} is not a Published", "Write Published(...)")
        for name, target in game.targets.items():
            if not isinstance(target, Target):
                self.wrong(f"targets.{name}", f"{target!r} is not a Target", "Write Target(...)")
        for key in ("name", "title", "question", "source", "about"):
            if not isinstance(getattr(game, key), str):
                self.wrong(key, f"{getattr(game, key)!r} is not a text", "Quote it")
        return len(self.problems) == before

    # -- texts and names -------------------------------------------------------------------------

    def texts(self) -> None:
        """Refuse control characters and characters that turn the direction of text."""
        game = self.game
        lines: list[tuple[str, str]] = [("name", game.name), ("title", game.title)]
        prose: list[tuple[str, str]] = [("question", game.question), ("source", game.source)]
        prose.append(("about", game.about))
        prose += [(f"assumptions.#{k}", item) for k, item in enumerate(game.assumptions, 1)]
        prose += [(f"narrative.#{k}.text", s.text) for k, s in enumerate(game.narrative, 1)]
        for number, row in enumerate(game.published, 1):
            place = f"published.#{number}"
            lines += [(f"{place}.label", row.label), (f"{place}.source", row.source)]
        for player in game.players:
            lines.append((f"players.{player.name}", player.label))
        for p in game.parameters:
            place = f"parameters.{p.name}"
            lines += [(f"{place}.label", p.label), (f"{place}.unit", p.unit)]
            lines += [(f"{place}.choices", choice) for choice in p.choices]
            prose += [(f"{place}.source", p.source), (f"{place}.about", p.about)]
        for kind, described in (("presets", game.presets), ("targets", game.targets)):
            for name, one in described.items():
                place = f"{kind}.{name}"
                lines.append((f"{place}.label", one.label))
                prose += [(f"{place}.source", one.source), (f"{place}.about", one.about)]
        for stage in game.stages:
            place = f"stages.{stage.name}"
            lines.append((f"{place}.name", stage.name))
            for move in stage.moves:
                lines.append((f"{place}.{move.name}.label", move.label))
                if isinstance(move, Chance):
                    lines += [(f"{place}.{move.name}.{o}", o) for o in move.outcomes]
                elif isinstance(move.actions, Interval):
                    lines.append((f"{place}.{move.name}.unit", move.actions.unit))
                else:
                    for a in move.actions:
                        at = f"{place}.{move.name}.{a.name}"
                        lines += [(at, a.name), (f"{at}.label", a.label)]
        for name, derived in game.derived.items():
            place = f"derived.{name}"
            lines += [(f"{place}.label", derived.label), (f"{place}.unit", derived.unit)]
            prose.append((f"{place}.about", derived.about))
        for state in game.states:
            place = f"states.{state.name}"
            lines += [(f"{place}.label", state.label), (f"{place}.unit", state.unit)]
            lines += [(f"{place}.values", label) for label in state.labels]
            prose.append((f"{place}.about", state.about))
        for regime in game.regimes:
            lines.append((f"regimes.{regime.name}.label", regime.label))
            prose.append((f"regimes.{regime.name}.about", regime.about))
        for name, mechanism in game.mechanisms.items():
            place = f"mechanisms.{name}"
            lines += [(f"{place}.label", mechanism.label), (f"{place}.id", mechanism.id)]
            prose.append((f"{place}.about", mechanism.about))
        for place, value in [*lines, *((p, _flat(v)) for p, v in prose)]:
            if not isinstance(value, str):
                self.wrong(place, f"{value!r} is not a text", "Quote it")
                continue
            found = _HIDDEN.search(value)
            if found is not None:
                code = ord(found.group())
                label = unicodedata.name(found.group(), "control character")
                self.wrong(place, f"the text holds U+{code:04X} ({label})", "Remove it")

    def names(self) -> None:
        """Check that names can be read in formulas and mean one thing."""
        game = self.game
        owners: dict[str, str] = {}
        expanded = derived_names(game)
        named: list[tuple[str, str, str]] = []
        named += [("a parameter", f"parameters.{p.name}", p.name) for p in game.parameters]
        named += [("a state variable", f"states.{s.name}", s.name) for s in game.states]
        moves: dict[str, Stage] = {}
        for stage in game.stages:
            for move in stage.moves:
                moves.setdefault(move.name, stage)
        named += [("a move", f"stages.{s.name}.{n}", n) for n, s in moves.items()]
        named += [("a derived quantity", f"derived.{key}", n) for n, (key, _) in expanded.items()]
        named += [("an index set", f"sets.{name}", name) for name in game.sets]
        functions = {k: k.partition("(")[0].strip() for k in game.functions}
        named += [("a function", f"functions.{key}", name) for key, name in functions.items()]
        for kind, place, name in named:
            if not self.identifier(name, place):
                continue
            if name in owners:
                what = f"{name!r} is {kind} and {owners[name]}"
                if kind == owners[name]:
                    what = f"{name!r} is {kind} twice"
                self.wrong(place, what, "Rename one of them")
            owners.setdefault(name, kind)
        reported = set(expanded) if game.outcomes is None else set(game.outcomes)
        for player in game.players:
            self.identifier(player.name, f"players.{player.name}")
            if player.name in reported:
                self.wrong(
                    f"players.{player.name}",
                    f"{player.name!r} is a player and a reported outcome",
                    "Rename one: flags and tables read both by name",
                )
        for key, names in (
            ("regimes", [regime.name for regime in game.regimes]),
            ("mechanisms", game.mechanisms),
            ("presets", game.presets),
            ("targets", game.targets),
            ("flags", game.flags),
        ):
            for name in names:
                self.identifier(name, f"{key}.{name}")
        for p in game.parameters:
            if p.name in _ARGUMENTS:
                self.wrong(
                    f"parameters.{p.name}",
                    f"{p.name!r} is an argument of solve and compare",
                    f"Rename it, for example {p.name}_",
                )

    def identifier(self, name: object, place: str) -> bool:
        if not isinstance(name, str):
            self.wrong(place, f"the name {name!r} is not a text", "Quote it")
        elif not _IDENTIFIER.match(name):
            strange = next((c for c in name if ord(c) > 126), None)
            if strange is not None:
                label = unicodedata.name(strange, f"U+{ord(strange):04X}")
                reason = f"the name {name!r} holds {strange!r} ({label})"
            else:
                reason = f"{name!r} is not a name"
            self.wrong(place, reason, "Use ASCII letters, digits and _, not starting with a digit")
        elif name in _RESERVED:
            self.wrong(
                place, f"{name!r} is a word of the formula language", f"Rename it, as {name}_"
            )
        else:
            return True
        return False

    def unique(self, names: Iterable[str], place: str, what: str) -> None:
        """Refuse names that are equal, also where two spellings look the same."""
        seen: dict[str, str] = {}
        for name in names:
            plain = unicodedata.normalize("NFC", name)
            if plain in seen:
                same = "" if seen[plain] == name else " (in another Unicode spelling)"
                self.wrong(place, f"{what} {name!r} is there twice{same}", "Drop or rename one")
            seen.setdefault(plain, name)

    # -- parts -----------------------------------------------------------------------------------

    def players(self) -> None:
        game = self.game
        names = [player.name for player in game.players]
        if not names:
            self.wrong("players", "there are no players", "Name at least one")
        if len(names) > limits.MAX_PLAYERS:
            self.wrong(
                "players",
                f"{len(names)} players are more than the limit MAX_PLAYERS = {limits.MAX_PLAYERS}",
                "Merge players that act alike",
            )
        self.unique(names, "players", "the player")
        for name in names:
            if name not in game.payoffs:
                self.wrong("payoffs", f"the player {name!r} has no payoff", f'Write {name} = "..."')
        for name in game.payoffs:
            if name not in names:
                self.wrong(
                    f"payoffs.{name}", f"there is no player {name!r}", did_you_mean(name, names)
                )

    def parameters(self) -> None:
        self.unique((p.name for p in self.game.parameters), "parameters", "the parameter")
        for parameter in self.game.parameters:
            if parameter.choices:
                self.choices(parameter)
            else:
                self.range(parameter, f"parameters.{parameter.name}")
            self.confidence(parameter.confidence, f"parameters.{parameter.name}")

    def choices(self, p: Parameter) -> None:
        place = f"parameters.{p.name}"
        if not all(isinstance(choice, str) for choice in p.choices):
            self.wrong(f"{place}.choices", "choices are texts", "Quote them")
            return
        self.unique(p.choices, f"{place}.choices", "the choice")
        if p.value not in p.choices:
            self.wrong(
                f"{place}.value",
                f"{p.value!r} is not among the choices",
                did_you_mean(str(p.value), p.choices),
            )
        if p.low is not None or p.high is not None:
            self.wrong(place, "a parameter with choices has no range", "Drop low and high")

    def number(self, value: object, place: str) -> Fraction | None:
        try:
            found = exact(value)  # type: ignore[arg-type]
            if not isinf(as_float(found)):
                return found
            self.wrong(place, "the number is beyond the range of floating point", "Change the unit")
            return None
        except ValueError:
            fix = 'Write a number such as 0.3, 1e-3, "1/3" or "30%"'
            self.wrong(place, f"{_shown(value)} is not a finite number", fix)
            return None

    def confidence(self, mark: object, place: str) -> None:
        if mark != "" and mark not in CONFIDENCE:
            self.wrong(
                f"{place}.confidence",
                f"{mark!r} is not a mark of confidence",
                f"Marks are {', '.join(CONFIDENCE)}",
            )

    def target(self, target: Target, place: str) -> None:
        if not isinstance(target.formula, str):
            self.wrong(f"{place}.formula", f"{target.formula!r} is not a formula", "Quote it")
            self.broken = True
        self.range(target, place)
        self.confidence(target.confidence, place)

    def published(self, row: Published, place: str) -> None:
        game = self.game
        if not isinstance(row.formula, str):
            self.wrong(f"{place}.formula", f"{row.formula!r} is not a formula", "Quote it")
            self.broken = True
        self.number(row.value, f"{place}.value")
        tolerance = self.number(row.tolerance, f"{place}.tolerance")
        if tolerance is not None and tolerance < 0:
            self.wrong(f"{place}.tolerance", "the tolerance is negative", "Write 1e-6")
        if not row.source:
            self.wrong(place, "nobody is named who published it", 'Write source = "Author (year)"')
        for key, given, known in (
            ("origin", row.origin, ORIGINS),
            ("equilibria", row.equilibria, ("all", "some")),
            ("regime", row.regime, ("", *(regime.name for regime in game.regimes))),
            ("preset", row.preset, ("", "default", *game.presets)),
        ):
            if given not in known:
                close = did_you_mean(str(given), [name for name in known if name])
                fix = close or f"The game has no {key}s"
                self.wrong(f"{place}.{key}", f"{given!r} is no {key} here", fix)
        self.settings(row.set, f"{place}.set")

    def range(self, p: Parameter | Target, place: str) -> None:
        """Check the value, and that it lies in the range if there is one."""
        value = self.number(p.value, f"{place}.value")
        low = None if p.low is None else self.number(p.low, f"{place}.low")
        high = None if p.high is None else self.number(p.high, f"{place}.high")
        if low is not None and high is not None and low > high:
            self.wrong(f"{place}.low", f"the range is reversed: {p.low} > {p.high}", "Swap the two")
            return
        if value is None:
            return
        below, above = low is not None and value < low, high is not None and value > high
        if not (below or above):
            return
        shown = f"[{'' if p.low is None else p.low}, {'' if p.high is None else p.high}]"
        fix = "Widen the range or change the value"
        if high is not None and high <= 1 < value <= 100:
            fix = f'Write {_decimal(value / 100)} or "{_decimal(value)}%"'
        self.wrong(f"{place}.value", f"{p.value} is outside the range {shown}", fix)

    def sets_and_functions(self) -> None:
        for name, elements in self.game.sets.items():
            place = f"sets.{name}"
            if not elements:
                self.wrong(place, "the set is empty", "Name its elements")
            self.unique(map(str, elements), place, "the element")
            for element in elements:
                if not isinstance(element, str) or not _ELEMENT.match(element):
                    self.wrong(
                        place,
                        f"the element {element!r} is not plain",
                        "Elements are texts of ASCII letters, digits and _",
                    )
        for signature, body in self.game.functions.items():
            if not isinstance(body, str):
                self.wrong(f"functions.{signature}", f"{body!r} is not a formula", "Quote it")
                self.broken = True

    def derived(self) -> None:
        for key in self.game.derived:
            if _IDENTIFIER.match(key):
                continue
            place = f"derived.{key}"
            split = family(key)
            if split is None:
                if "[" in key:
                    self.wrong(place, "the index is not understood", 'Write "name[j in set]"')
                else:
                    self.identifier(key, place)
                continue
            for _, of in split[1]:
                if of not in self.game.sets:
                    self.wrong(
                        place,
                        f"unknown index set {of!r}",
                        did_you_mean(of, self.game.sets) or "Declare it in sets",
                    )
            self.unique((index for index, _ in split[1]), place, "the index")
        if self.game.outcomes is not None:
            self.unique(self.game.outcomes, "outcomes", "the outcome")
            names = [
                *derived_names(self.game),
                *(m.name for s in self.game.stages for m in s.moves),
                *(s.name for s in self.game.states),
            ]
            for name in self.game.outcomes:
                if name not in names:
                    self.wrong(
                        "outcomes", f"there is no quantity {name!r}", did_you_mean(name, names)
                    )

    def stages(self) -> None:
        game = self.game
        if not game.stages:
            self.wrong("stages", "there are no stages", "Write at least one, with a decision")
            self.broken = True
        known = {move.name for stage in game.stages for move in stage.moves}
        first: dict[str, Decision | Chance] = {}
        for stage in game.stages:
            place = f"stages.{stage.name}"
            if not stage.name:
                self.wrong("stages", "a stage has no name", 'Write name = "..."')
            if not stage.moves:
                self.wrong(place, "the stage has no moves", "Give it a decision or a chance move")
            for move in stage.moves:
                at = f"{place}.{move.name}"
                if isinstance(move, Chance):
                    self.chance(move, at)
                else:
                    self.decision(move, at, known)
                if first.setdefault(move.name, move) != move and _signature(
                    first[move.name]
                ) != _signature(move):
                    self.wrong(
                        at,
                        f"{move.name!r} has another player or other actions in another stage",
                        "Make the two equal, or rename one",
                    )

    def states(self) -> None:
        """Check the parts of a game that goes on, or that there are none."""
        game = self.game
        if not game.states:
            for key in ("discount", "horizon"):
                if getattr(game, key) is not None:
                    self.wrong(
                        key,
                        "a game without state variables is played once",
                        f"Drop {key}, or declare [states.NAME]",
                    )
            return
        for state in game.states:
            self.state(state, f"states.{state.name}")
        players = [player.name for player in game.players]
        if game.discount is None:
            self.wrong("discount", "it is missing", "Write discount = 0.9, or player -> number")
            self.broken = True
        elif isinstance(game.discount, Mapping):
            for name in game.discount:
                if name not in players:
                    close = did_you_mean(name, players)
                    self.wrong(f"discount.{name}", f"there is no player {name!r}", close)
            for name in players:
                if name not in game.discount:
                    self.wrong("discount", f"{name!r} has none", f"Write {name} = 0.9 in it")
        horizon = game.horizon
        if horizon is not None and (
            isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1
        ):
            self.wrong(
                "horizon",
                f"{horizon!r} is no number of periods",
                "Write a whole number from 1, or leave it out in a game without end",
            )
        if game.commitment is not None:
            self.wrong(
                "commitment",
                "a game with state variables has no timing to compare",
                "Drop it; a regime that fixes a decision commits in every state",
            )
        for stage in game.stages:
            movers: set[str] = set()
            for move in stage.moves:
                if not isinstance(move, Decision):
                    continue
                place = f"stages.{stage.name}.{move.name}"
                if isinstance(move.actions, Interval):
                    self.wrong(
                        place,
                        "a game with state variables takes finite decisions",
                        "Write actions = [0, 1, 2], a grid of the interval",
                    )
                if move.observes is not None:
                    self.wrong(
                        f"{place}.observes",
                        "in a game with state variables all see the state and what was done "
                        "in earlier stages of the period",
                        "Drop the key; moves of one stage are not seen by each other",
                    )
                if move.player in movers:
                    self.wrong(
                        place,
                        f"{move.player!r} has two decisions in one stage",
                        "Move one of them to a stage of its own",
                    )
                movers.add(move.player)

    def state(self, state: State, place: str) -> None:
        labels = state.labels
        if not labels:
            self.wrong(place, "the state variable has no values", "Write values = [0, 1]")
            self.broken = True
        if len(labels) > limits.MAX_ACTIONS:
            self.wrong(
                f"{place}.values",
                f"{len(labels)} values are more than the limit MAX_ACTIONS = {limits.MAX_ACTIONS}",
                "Use a coarser grid",
            )
        self.labels(labels, f"{place}.values", "the value")
        try:
            numbers = [exact(label) for label in labels]
        except ValueError:
            numbers = []
        if len(set(numbers)) < len(numbers) and len(set(labels)) == len(labels):
            self.wrong(f"{place}.values", "two values are the same number", "Drop one")
        if isinstance(state.next, Mapping):
            for value in state.next:
                if value not in labels:
                    close = did_you_mean(value, labels)
                    self.wrong(f"{place}.next.{value}", f"{value!r} is not a value", close)

    def chance(self, move: Chance, place: str) -> None:
        if not move.outcomes:
            self.wrong(place, "the chance move has no outcomes", 'Write outcome = "probability"')
            self.broken = True
        self.labels(move.outcomes, place, "the outcome")
        self.attributes({o: move.attributes[o] for o in move.outcomes}, move.name, place)

    def decision(self, move: Decision, place: str, known: set[str]) -> None:
        game = self.game
        players = [player.name for player in game.players]
        if move.player not in players:
            self.wrong(
                f"{place}.player",
                f"there is no player {move.player!r}",
                did_you_mean(str(move.player), players),
            )
        if not isinstance(move.actions, Interval):
            names = [action.name for action in move.actions]
            if not names:
                self.wrong(place, "the decision has no actions", 'Write actions = ["a", "b"]')
                self.broken = True
            if len(names) > limits.MAX_ACTIONS:
                self.wrong(
                    place,
                    f"{len(names)} actions are more than the limit MAX_ACTIONS = "
                    f"{limits.MAX_ACTIONS}",
                    "Use an interval",
                )
            self.labels(names, place, "the action")
            self.attributes({a.name: a.attributes for a in move.actions}, move.name, place)
        for name in move.observes or ():
            if name not in known:
                self.wrong(
                    f"{place}.observes", f"there is no move {name!r}", did_you_mean(name, known)
                )
            elif not self.is_earlier(name, move.name):
                self.wrong(
                    f"{place}.observes",
                    f"{name!r} is not made in an earlier stage",
                    "Drop it, or move one of the two to another stage",
                )

    def is_earlier(self, name: str, other: str) -> bool:
        """Return whether some stage with the one stands before some stage with the other."""
        places: dict[str, list[int]] = {name: [], other: []}
        for k, stage in enumerate(self.game.stages):
            for move in stage.moves:
                if move.name in places:
                    places[move.name].append(k)
        return min(places[name]) < max(places[other])

    def labels(self, names: Iterable[str], place: str, what: str) -> None:
        listed = list(names)
        self.unique(listed, place, what)
        for name in listed:
            if not name.strip():
                self.wrong(place, f"{what} {name!r} has an empty name", "Name it")
            elif name != name.strip():
                self.wrong(place, f"{what} {name!r} has blanks around it", "Remove them")

    def attributes(self, table: Mapping[str, Mapping[str, Any]], move: str, place: str) -> None:
        everything = list(dict.fromkeys(key for row in table.values() for key in row))
        for key in everything:
            self.identifier(key, f"{place}.{key}")
            lacking = [name for name, row in table.items() if key not in row]
            if lacking:
                self.uneven.add(move)
                owner = next(name for name, row in table.items() if key in row)
                self.wrong(
                    f"{place}.{lacking[0]}",
                    f"{', '.join(map(repr, lacking))} lack(s) the attribute {key!r} that "
                    f"{owner!r} has",
                    f"Give all the same attributes, for example {key} = 0",
                )

    # -- overlays --------------------------------------------------------------------------------

    def overlays(self) -> None:
        game = self.game
        self.unique((regime.name for regime in game.regimes), "regimes", "the regime")
        for regime in game.regimes:
            self.regime(regime)
        for name, mechanism in game.mechanisms.items():
            place = f"mechanisms.{name}"
            if not mechanism.off:
                self.wrong(
                    place, "the mechanism switches nothing off", "Write off = {parameter = 0}"
                )
            self.settings(mechanism.off, f"{place}.off")
        for name, preset in game.presets.items():
            self.settings(preset, f"presets.{name}", within=True)
            self.confidence(preset.confidence, f"presets.{name}")
        for name, target in game.targets.items():
            self.target(target, f"targets.{name}")
        for number, row in enumerate(game.published, 1):
            self.published(row, f"published.#{number}")
        for name, condition in game.flags.items():
            if not isinstance(condition, str | bool):
                self.wrong(f"flags.{name}", f"{condition!r} is not a condition", "Quote it")
        self.commitment()

    def regime(self, regime: Regime) -> None:
        game, place = self.game, f"regimes.{regime.name}"
        decisions = {m.name: m for s in game.stages for m in s.moves if isinstance(m, Decision)}
        fixed = {name: (action,) for name, action in regime.fix.items()}
        for key, table in (("narrow", regime.narrow), ("fix", fixed)):
            for name, actions in table.items():
                at = f"{place}.{key}.{name}"
                if name not in decisions:
                    self.wrong(at, f"there is no decision {name!r}", did_you_mean(name, decisions))
                    continue
                of = decisions[name].actions
                if isinstance(of, Interval):
                    self.wrong(
                        at,
                        f"{name} is an interval, it has no actions to {key}",
                        "Make its bounds parameters, and set them",
                    )
                    continue
                known = [action.name for action in of]
                if not known:
                    continue
                if not actions:
                    self.wrong(at, "no action is left", f"Name some of: {', '.join(known)}")
                for action in actions:
                    if action not in known:
                        close = did_you_mean(action, known)
                        self.wrong(at, f"{name} has no action {action!r}", close)
                if key == "fix" and actions[0] not in regime.narrow.get(name, actions):
                    reason = f"{actions[0]!r} is not among the actions that narrow leaves"
                    self.wrong(at, reason, "Drop one of the two")
        self.settings(regime.set, f"{place}.set")
        for mechanism in regime.off:
            if mechanism not in game.mechanisms:
                self.wrong(
                    f"{place}.off",
                    f"there is no mechanism {mechanism!r}",
                    did_you_mean(mechanism, game.mechanisms) or "The game has no mechanisms",
                )

    def settings(self, given: Mapping[str, Any], place: str, *, within: bool = False) -> None:
        """Check values of parameters; those of presets must lie in the declared ranges."""
        known = {parameter.name: parameter for parameter in self.game.parameters}
        for name, value in given.items():
            at = f"{place}.{name}"
            if name not in known:
                self.wrong(at, f"there is no parameter {name!r}", did_you_mean(name, known))
                continue
            parameter = known[name]
            if parameter.choices:
                if value not in parameter.choices:
                    close = did_you_mean(str(value), map(str, parameter.choices))
                    self.wrong(at, f"{value!r} is not among the choices of {name}", close)
                continue
            number = self.number(value, at)
            if number is None or not within:
                continue
            for bound, sign in ((parameter.low, 1), (parameter.high, -1)):
                try:
                    outside = bound is not None and sign * (number - exact(bound)) < 0
                except ValueError:
                    continue
                if outside:
                    shown = f"[{parameter.low}, {parameter.high}]"
                    self.wrong(
                        at, f"{value} is outside the range {shown} of {name}", "Widen the range"
                    )

    def commitment(self) -> None:
        given = self.game.commitment
        if given is None:
            return
        players = [player.name for player in self.game.players]
        if given.player not in players:
            self.wrong(
                "commitment.player",
                f"there is no player {given.player!r}",
                did_you_mean(given.player, players),
            )
        timing = {p.name: p for p in self.game.parameters if p.choices}
        if given.parameter not in timing:
            self.wrong(
                "commitment.parameter",
                f"there is no parameter {given.parameter!r} with choices",
                did_you_mean(given.parameter, timing) or "Declare one, such as timing",
            )
            return
        choices = timing[given.parameter].choices
        for key in ("committed", "discretionary"):
            value = getattr(given, key)
            if value not in choices:
                self.wrong(
                    f"commitment.{key}",
                    f"{value!r} is not among the choices of {given.parameter}",
                    did_you_mean(value, choices),
                )
        if given.committed == given.discretionary:
            self.wrong("commitment", "the two timings are the same", "Name two different choices")


def _signature(move: Decision | Chance) -> object:
    if isinstance(move, Chance):
        return tuple(move.outcomes)
    if isinstance(move.actions, Interval):
        return move.player
    return move.player, tuple(action.name for action in move.actions)


def _flat(value: object) -> object:
    return re.sub(r"[\n\r\t]", " ", value) if isinstance(value, str) else value


def _shown(value: object) -> str:
    try:
        shown = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # an int of thousands of digits
        return "a number of that size"
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def _decimal(value: Fraction) -> str:
    return format(float(value), ".12g")
