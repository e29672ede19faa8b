"""What the variants of the flagship share: its text with some definitions changed.

A variant is the flagship, read from the file beside this one, less the regimes that its question
does not need, with definitions replaced, taken away or added. Nothing else differs, so a variant
whose new parameters are at their neutral values gives the flagship's answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from highfence import Chance, Decision, Derived, Game, Mechanism, Parameter, Player, Regime, Stage
from highfence.spec.model import Sentence
from highfence.spec.toml import load

FLAGSHIP = Path(__file__).with_name("small_yard_high_fence.toml")


def vary(
    name: str,
    *,
    title: str,
    question: str,
    source: str,
    about: str,
    regimes: Sequence[str] = ("none", "small_yard", "broad"),
    added: Mapping[str, tuple[str, Mapping[str, Any], str, str]] | None = None,
    attributes: Mapping[str, float] | None = None,
    parameters: Sequence[Parameter] = (),
    values: Mapping[str, Any] | None = None,
    players: Sequence[Player] = (),
    response: Sequence[Decision] = (),
    without: Sequence[str] = (),
    research: Sequence[Decision] = (),
    between: Stage | None = None,
    functions: Mapping[str, str] | None = None,
    derived: Mapping[str, Any] | None = None,
    payoffs: Mapping[str, str] | None = None,
    outcomes: Sequence[str] = (),
    mechanisms: Mapping[str, Mechanism] | None = None,
    narrative: Sequence[Sentence] = (),
    assumptions: Sequence[str] = (),
    answered: Sequence[str] = (),
) -> Game:
    """Return the flagship with changes.

    Parameters
    ----------
    regimes
        The regimes of the flagship that are kept.
    added
        New regime -> (the regime that it is like, attributes that differ, label, about).
    attributes
        New attributes of regimes, with the value that regimes have unless they say otherwise.
    values
        Parameter of the flagship -> another declared value.
    response, research
        Moves beside those of the flagship's stages.
    between
        A stage once the regime is chosen, before the response.
    without
        Decisions of the flagship that nobody takes here.
    derived
        Definitions; None takes one of the flagship's away.
    answered
        Beginnings of the flagship's assumptions that the variant drops.
    """
    base = load(FLAGSHIP)
    new = added or {}
    more = dict(attributes or {})

    def regime_actions(decision: Decision) -> Decision:
        assert isinstance(decision.actions, tuple)
        known = {action.name: action for action in decision.actions}
        made = [
            replace(known[kept], attributes={**known[kept].attributes, **more}) for kept in regimes
        ]
        for called, (like, differs, label, _) in new.items():
            made.append(
                replace(
                    known[like],
                    name=called,
                    label=label,
                    attributes={**known[like].attributes, **more, **differs},
                )
            )
        return Decision(decision.player, decision.name, made, decision.observes, decision.label)

    stages = []
    for stage in base.stages:
        if stage.when == "timing == 'discretion'":
            continue
        moves: list[Decision | Chance] = [m for m in stage.moves if m.name not in without]
        if stage.name == "regime":
            moves = [regime_actions(move) for move in moves if isinstance(move, Decision)]
        moves += response if stage.name == "response" else ()
        moves += research if stage.name == "research" else ()
        stages.append(Stage(stage.name, *moves))
        if stage.name == "regime" and between is not None:
            stages.append(between)
    definitions = {**base.derived}
    for key, given in (derived or {}).items():
        if given is None:
            del definitions[key]
        elif isinstance(given, str) and key in definitions:
            definitions[key] = replace(definitions[key], formula=given)
        else:
            definitions[key] = given if isinstance(given, Derived) else Derived(given)
    own = values or {}
    timing = replace(
        next(p for p in base.parameters if p.name == "timing"), choices=("commitment",)
    )
    declared = [
        timing if p.name == "timing" else replace(p, value=own.get(p.name, p.value))
        for p in base.parameters
    ]
    overlays = [overlay for overlay in base.regimes if overlay.name in regimes]
    overlays += [
        Regime(called, label, says, fix={"regime": called})
        for called, (_, _, label, says) in new.items()
    ]
    return replace(
        base,
        name=name,
        title=title,
        question=question,
        source=source,
        about=about,
        players=(*base.players, *players),
        stages=tuple(stages),
        parameters=(*declared, *parameters),
        functions={**base.functions, **(functions or {})},
        derived=definitions,
        payoffs={**base.payoffs, **(payoffs or {})},
        regimes=tuple(overlays),
        outcomes=(*(base.outcomes or ()), *outcomes),
        mechanisms={**base.mechanisms, **(mechanisms or {})},
        narrative=(*base.narrative, *narrative),
        assumptions=(
            *(a for a in base.assumptions if not a.startswith(tuple(answered) or ("\0",))),
            *assumptions,
        ),
        targets={},
        published=(),
        file="python",
        commitment=None,
    )
