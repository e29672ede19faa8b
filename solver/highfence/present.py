"""From certified profiles to equilibria: labels, expected payoffs and outcomes.

One function per form. A staged profile knows its own path of play: it has a method
``present(form)`` that returns the fields of :class:`highfence.solution.Equilibrium`
other than ``certificate`` and ``profile``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .solution import Certificate, Equilibrium

if TYPE_CHECKING:
    from .forms.extensive import BehaviorProfile, ExtensiveForm
    from .forms.normal import NormalForm, Profile

__all__ = ["present", "present_extensive", "present_normal"]


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
    payoffs: tuple[Any, ...] = form.expected_payoffs(profile)
    return Equilibrium(
        payoffs=dict(zip(form.players, payoffs, strict=True)),
        strategies=strategies,
        outcomes=form.expected_outcomes(profile),
        certificate=certificate,
        path=_path(form, profile),
        profile=profile,
    )


def _path(form: ExtensiveForm, profile: BehaviorProfile) -> tuple[str, ...]:
    """Return what the players do at the information sets that play reaches."""
    reached = form.reach(profile)
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
