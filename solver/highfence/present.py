"""From certified profiles to equilibria: labels, expected payoffs and outcomes.

One function per form. A staged profile knows its own path of play: it has a method
``present(form)`` that returns the fields of :class:`highfence.solution.Equilibrium`
other than ``certificate`` and ``profile``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from . import tolerances
from .solution import Certificate, Equilibrium, Play, Support

if TYPE_CHECKING:
    from .forms.extensive import BehaviorProfile, ExtensiveForm
    from .forms.normal import NormalForm, Profile

__all__ = ["plays_of", "present", "present_extensive", "present_normal"]


def present(form: Any, profile: Any, certificate: Certificate) -> Equilibrium:
    """Return the equilibrium of a profile of any form, with labels in place of indices."""
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm

    if isinstance(form, NormalForm):
        return present_normal(form, profile, certificate)
    if isinstance(form, ExtensiveForm):
        return present_extensive(form, profile, certificate)
    return Equilibrium(**profile.present(form), certificate=certificate, profile=profile)


def present_normal(form: NormalForm, profile: Profile, certificate: Certificate) -> Equilibrium:
    """Return ``strategies`` as player -> action -> probability."""
    return Equilibrium(
        payoffs=dict(zip(form.players, form.expected_payoffs(profile), strict=True)),
        strategies={
            player: dict(zip(labels, strategy, strict=True))
            for player, labels, strategy in zip(
                form.players, form.strategies, profile.strategies, strict=True
            )
        },
        outcomes=form.expected_outcomes(profile),
        certificate=certificate,
        profile=profile,
    )


def present_extensive(
    form: ExtensiveForm, profile: BehaviorProfile, certificate: Certificate
) -> Equilibrium:
    """Return ``strategies`` as player -> information set -> action -> probability.

    The path of play has one line per information set that is reached. The order is that of the
    game's moves: preorder of the tree, or what the form says (``order_shown``).
    """
    strategies: dict[str, dict[str, dict[str, Any]]] = {player: {} for player in form.players}
    for index in form.sets_shown:
        known = form.information_sets[index]
        strategies[form.players[known.player]][known.label] = dict(
            zip(known.actions, profile.probabilities[index], strict=True)
        )
    reached = form.reach(profile)
    payoffs: tuple[Any, ...] = form.expected_payoffs(profile, reached)
    return Equilibrium(
        payoffs=dict(zip(form.players, payoffs, strict=True)),
        strategies=strategies,
        outcomes=form.expected_outcomes(profile, reached),
        certificate=certificate,
        path=_path(form, profile, reached),
        profile=profile,
    )


def _path(form: ExtensiveForm, profile: BehaviorProfile, reached: Sequence[Any]) -> tuple[str, ...]:
    """Return what the players do at the information sets that play reaches."""
    lines: dict[str, None] = {}
    for node in form.decisions_shown:
        if reached[node] > 0:
            index = int(form.information_set[node])
            known = form.information_sets[index]
            played = [
                (action, weight)
                for action, weight in zip(known.actions, profile.probabilities[index], strict=True)
                if weight > 0
            ]
            chosen = (
                played[0][0]
                if len(played) == 1
                else " or ".join(f"{action} ({float(weight):.3g})" for action, weight in played)
            )
            lines[f"{form.players[known.player]} at {known.label}: {chosen}"] = None
    return tuple(lines)


def plays_of(
    form: ExtensiveForm,
    equilibria: Sequence[Equilibrium],
    support: Callable[[BehaviorProfile], Support | None],
) -> tuple[Play, ...]:
    """Return equilibria of a tree grouped by outcome of play, in their order.

    Parameters
    ----------
    support
        What a profile stands for; None if all that have its outcome are listed.
    """
    groups: list[tuple[list[int], Sequence[Any]]] = []
    exact: dict[tuple[Any, ...], list[int]] = {}
    inexact: dict[tuple[int, ...], list[tuple[tuple[float, ...], list[int]]]] = {}
    for index, equilibrium in enumerate(equilibria):
        reached = form.reach(equilibrium.profile)
        ends = tuple(node for node in form.terminals.tolist() if reached[node] > 0)
        odds = tuple(reached[node] for node in ends)
        group: list[int] | None = None
        if all(isinstance(p, Fraction) for p in odds):
            group = exact.setdefault((ends, odds), [])
        else:
            near = inexact.setdefault(ends, [])
            for other, members in near:
                if all(abs(p - q) <= tolerances.SAME for p, q in zip(odds, other, strict=True)):
                    group = members
                    break
            else:
                group = []
                near.append((tuple(map(float, odds)), group))
        if not group:
            groups.append((group, reached))
        group.append(index)
    labeled: dict[tuple[int, int], dict[str, Any]] = {}
    return tuple(_play(form, equilibria, *group, support, labeled) for group in groups)


def _play(
    form: ExtensiveForm,
    equilibria: Sequence[Equilibrium],
    group: Sequence[int],
    reached: Sequence[Any],
    support: Callable[[BehaviorProfile], Support | None],
    labeled: dict[tuple[int, int], dict[str, Any]],
) -> Play:
    """Return the outcome of a group of equilibria.

    ``labeled`` keeps strategies with their labels, by information set and identity: hundreds of
    outcomes may have the same hundreds of strategies off the path.
    """
    said = support(equilibria[group[0]].profile)
    options: dict[int, tuple[tuple[Any, ...], ...]]
    if said is not None:
        options = dict(said.options)
    else:
        at_sets = zip(*(equilibria[index].profile.probabilities for index in group), strict=True)
        options = {
            known: tuple(dict.fromkeys(strategies))
            for known, strategies in enumerate(at_sets)
            if len(set(strategies)) > 1
        }
    elsewhere: dict[str, dict[str, tuple[dict[str, Any], ...]]] = {}
    for index in form.sets_shown:
        if index in options:
            known = form.information_sets[index]
            own = elsewhere.setdefault(form.players[known.player], {})
            for strategy in options[index]:
                if (index, id(strategy)) not in labeled:
                    labeled[index, id(strategy)] = dict(zip(known.actions, strategy, strict=True))
            own[known.label] = tuple(labeled[index, id(one)] for one in options[index])
    on_path: dict[str, list[str]] = {player: [] for player in form.players}
    for index in form.sets_shown:
        known = form.information_sets[index]
        if any(reached[node] > 0 for node in known.nodes):
            on_path[form.players[known.player]].append(known.label)
    return Play(
        equilibria=tuple(group),
        plans=len(group) if said is None else said.plans,
        elsewhere=elsewhere,
        reached={player: tuple(labels) for player, labels in on_path.items() if labels},
    )
