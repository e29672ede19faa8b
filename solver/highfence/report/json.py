"""Solutions and comparisons as JSON: stable keys, strictly valid, documented here.

Numbers are JSON numbers with all their digits (``repr``); a number that JSON cannot hold
(infinite, undefined) is ``null``. Probabilities and payoffs that are known exactly stand a
second time, as text such as ``"3/5"``, under ``exact``. Keys may be added in later
versions; none is renamed or removed.

``solve``::

    game, source        name of the game, and where it was read
    form                "normal" | "extensive" | "staged"
    regime, preset      names, or null
    parameters          {name: number or text}: the values that were used
    method, finds       the method, and its promise here: "all" | "some" | "one"
    method_reason       why this method was taken: "asked for", or what decided under auto
    status, reason      "solved" | "partial" | "none found" | "not certified", and why
    equilibria          [equilibrium]
    notes               [text]: what was and was not searched
    subsets             [[index]]: maximal Nash subsets of the extreme equilibria, []
    components          [[index]]: connected components, likewise
    indices             [number or null]: the index of each component; [] if not asked for
    bounds              {payoff or outcome: [low, high]} over all equilibria, also over those of a
                        tree that are not listed, where extremes has the name
    rejected            how many proposed profiles the judge rejected
    count               how many equilibria of a tree were found, listed or not (a whole number
                        of any size); null where they are not counted
    outcome_count       how many outcomes of play (distributions over the ends) these have, or null
    more                true if there are others, so that these counts are lower bounds
    extremes            {payoff or outcome: {low, high, low_met, high_met}} over all equilibria of
                        a tree of which not all is listed, else {}; where an end is not met, the
                        equilibria may all keep away from it
    plays               [{equilibria: [index], plans, reached: {player: [information set]},
                        any_combination, elsewhere: {player: {information set:
                        [{action: probability}]}}}]: the listed equilibria by outcome of play; how
                        many equilibria have it; where play comes; where these differ, which is
                        elsewhere, and how (null if all plays together would take more than
                        limits.MAX_LISTED_PROBABILITIES numbers); whether all combinations of that
                        are equilibria. [] where nothing is counted, and where --limit cuts the
                        list off

    equilibrium:
      payoffs           {player: number}
      strategies        normal:    {player: {action: probability}}
                        extensive: {player: {information set: {action: probability}}}
                        staged:    {player: {decision: value or {action: probability}}},
                                   on the path of play
      outcomes          {name: number}
      certificate       {regret, tolerance, exact, kind, refinement, checks}; kind over intervals:
                        "interval" (regret is a proved bound) or "search"; else null
      path, notes       [text]
      beliefs           [{player, information_set, places, reached, extreme}]: what may be believed
                        where the node is not known, as probabilities of the places: the extreme
                        points of the set (one if reached); [] if not asked for
      refinements       [{name, holds, reason}]: holds is true, false or null (left open)
      index             whole number, or null (not isolated, left open, or not asked for)
      exact             {payoffs, strategies} as text, or null

``compare``::

    game, title, source, preset, parameters
    regimes             {name: {label, status, reason, method, equilibria, notes,
                                payoffs: {player: [low, high]}, outcomes: {name: [low, high]},
                                flags: {flag: true | false | null (it depends)},
                                says: text}}
    best                {player: {regime: name or null, margin: number or null, verdict,
                                  near_tie, runner_up, contenders, left_out}}
    choice              {player, decision, regimes, reason} or null: which regime is chosen
                        where the player chooses among those compared
    commitment          {player, parameter, value: [low, high] or null,
                         committed: likewise, discretionary: likewise,
                         chosen_committed: [regime], chosen_discretionary: [regime],
                         reason} or null
    flags               {flag: condition}
    assumptions, notes  [text]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any

from .. import limits

if TYPE_CHECKING:
    from ..solution import Equilibrium, Solution
    from ..study.compare import Comparison

__all__ = ["comparison_dict", "dumps", "plain", "solution_dict"]


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: numbers as int or finite float, mappings as dicts.

    Examples
    --------
    >>> plain({"p": Fraction(1, 4), "x": float("nan"), "n": (1, True)})
    {'p': 0.25, 'x': None, 'n': [1, True]}
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return value + 0.0 if isfinite(value) else None  # no -0.0
    if isinstance(value, str | bool | int):
        return str(value) if isinstance(value, str) else int(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Real | Decimal):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number + 0.0 if isfinite(number) else None
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def dumps(value: Any) -> str:
    """Return strict JSON text, indented, in ASCII (so any encoding holds it)."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def _texts(value: Any) -> Any:
    """Return a tree of rational numbers as text, or None if one of them is not rational."""
    if isinstance(value, Mapping):
        made = {str(key): _texts(item) for key, item in value.items()}
        return None if any(item is None for item in made.values()) else made
    return str(Fraction(value)) if isinstance(value, Rational) else None


def _equilibrium(equilibrium: Equilibrium) -> dict[str, Any]:
    certificate = equilibrium.certificate
    exact = None
    if certificate.exact:
        exact = {
            "payoffs": _texts(equilibrium.payoffs),
            "strategies": _texts(equilibrium.strategies),
        }
    made: dict[str, Any] = {
        "payoffs": {name: _float(value) for name, value in equilibrium.payoffs.items()},
        "strategies": _floats(equilibrium.strategies),
        "outcomes": {name: _float(value) for name, value in equilibrium.outcomes.items()},
        "certificate": {
            "regret": _float(certificate.regret),
            "tolerance": certificate.tolerance,
            "exact": certificate.exact,
            "kind": certificate.kind,
            "refinement": certificate.refinement,
            "checks": certificate.checks,
        },
        "path": equilibrium.path,
        "notes": equilibrium.notes,
        "beliefs": [
            {
                "player": belief.player,
                "information_set": belief.information_set,
                "places": belief.places,
                "reached": belief.reached,
                "extreme": belief.extreme,
            }
            for belief in equilibrium.beliefs
        ],
        "refinements": [
            {"name": verdict.name, "holds": verdict.holds, "reason": verdict.reason}
            for verdict in equilibrium.refinements
        ],
        "index": equilibrium.index,
        "exact": exact,
    }
    return made


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _floats(value: Any) -> Any:
    """Return a tree of numbers with each as a float, so that 1 and 1.0 do not alternate."""
    if isinstance(value, Mapping):
        return {key: _floats(item) for key, item in value.items()}
    return value if value is None or isinstance(value, str) else _float(value)


def solution_dict(solution: Solution) -> dict[str, Any]:
    """Return a solution with the keys that the module documents."""
    elsewhere = sum(
        len(strategy)
        for play in solution.plays
        for own in play.elsewhere.values()
        for occurring in own.values()
        for strategy in occurring
    )
    short = elsewhere <= limits.MAX_LISTED_PROBABILITIES
    made: dict[str, Any] = plain(
        {
            "game": solution.game,
            "source": solution.source,
            "form": solution.form,
            "regime": solution.regime,
            "preset": solution.preset,
            "parameters": solution.parameters,
            "method": solution.method,
            "method_reason": solution.method_reason,
            "status": solution.status.value,
            "reason": solution.reason,
            "finds": solution.finds.value,
            "equilibria": [_equilibrium(equilibrium) for equilibrium in solution.equilibria],
            "notes": solution.notes,
            "subsets": solution.subsets,
            "components": solution.components,
            "indices": solution.indices,
            "bounds": solution.bounds(),
            "rejected": solution.rejected,
            "count": solution.count,
            "outcome_count": solution.outcome_count,
            "more": solution.more,
            "extremes": {
                name: {
                    "low": known.low,
                    "high": known.high,
                    "low_met": known.low_met,
                    "high_met": known.high_met,
                }
                for name, known in solution.extremes.items()
            },
            "plays": [
                {
                    "equilibria": play.equilibria,
                    "plans": play.plans,
                    "reached": play.reached,
                    "any_combination": play.any_combination,
                    "elsewhere": {
                        player: {
                            known: [_floats(strategy) for strategy in occurring]
                            for known, occurring in own.items()
                        }
                        for player, own in play.elsewhere.items()
                    }
                    if short
                    else None,
                }
                for play in solution.plays
            ],
        }
    )
    return made


def comparison_dict(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison with the keys that the module documents."""
    regimes = {}
    for result in comparison.regimes:
        solution = result.solution
        regimes[result.name] = {
            "label": result.label,
            "status": solution.status.value,
            "reason": solution.reason,
            "method": solution.method,
            "equilibria": [_equilibrium(equilibrium) for equilibrium in solution.equilibria],
            "outcomes": result.outcomes,
            "payoffs": result.payoffs,
            "flags": result.flags,
            "says": result.says,
            "notes": solution.notes,
        }
    choice, commitment = comparison.choice, comparison.commitment
    made: dict[str, Any] = plain(
        {
            "game": comparison.game,
            "title": comparison.title,
            "source": comparison.source,
            "preset": comparison.preset,
            "parameters": comparison.parameters,
            "regimes": regimes,
            "best": {
                player: {
                    "regime": best.regime,
                    "margin": best.margin,
                    "verdict": best.verdict.value,
                    "near_tie": best.near_tie,
                    "runner_up": best.runner_up,
                    "contenders": best.contenders,
                    "left_out": best.left_out,
                }
                for player, best in comparison.best.items()
            },
            "choice": None
            if choice is None
            else {
                "player": choice.player,
                "decision": choice.decision,
                "regimes": choice.regimes,
                "reason": choice.reason,
            },
            "commitment": None
            if commitment is None
            else {
                "player": commitment.player,
                "parameter": commitment.parameter,
                "value": commitment.value,
                "committed": commitment.committed,
                "discretionary": commitment.discretionary,
                "chosen_committed": commitment.chosen_committed,
                "chosen_discretionary": commitment.chosen_discretionary,
                "reason": commitment.reason,
            },
            "flags": comparison.flag_conditions,
            "assumptions": comparison.assumptions,
            "notes": comparison.notes,
        }
    )
    return made
