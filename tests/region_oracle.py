"""Pure equilibria of one finite game at one point, by trying every pure strategy profile."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from highfence.forms.build import build
from highfence.forms.extensive import CHANCE, TERMINAL
from highfence.forms.normal import NormalForm


def pure_outcomes(game, point, regime=None):
    """Return the outcomes of the pure subgame-perfect (or Nash) equilibria, exactly.

    An outcome is a set of (decision, action, chance outcomes before it). Decisions of which one
    action is left are not in it.
    """
    form = build(game, regime=regime, parameters=point)
    if isinstance(form, NormalForm):
        return _strategic(game, form)
    return _tree(form)


def _strategic(game, form):
    decisions = {
        move.player: move.name
        for stage in game.stages
        for move in stage.moves
        if hasattr(move, "player")
    }
    table = form.exact
    shape = table.shape[1:]
    found = set()
    for profile in product(*map(range, shape)):
        best = all(
            table[(i, *profile)]
            >= max(table[(i, *profile[:i], k, *profile[i + 1 :])] for k in range(shape[i]))
            for i in range(len(shape))
        )
        if best:
            found.add(
                frozenset(
                    (decisions[player], form.strategies[i][profile[i]], ())
                    for i, player in enumerate(form.players)
                    if shape[i] > 1
                )
            )
    return found


def _tree(form):
    sets = form.information_sets

    def value(node, plan):
        if form.owner[node] == TERMINAL:
            return list(form.exact[node])
        if form.owner[node] == CHANCE:
            total = [Fraction(0)] * form.num_players
            for weight, child in zip(
                form.exact_probabilities[node], form.children[node], strict=True
            ):
                total = [t + weight * v for t, v in zip(total, value(child, plan), strict=True)]
            return total
        return value(form.children[node][plan[form.information_set[node]]], plan)

    choices = [range(len(known.actions)) for known in sets]
    roots = form.subgame_roots()
    inside = {
        root: {form.information_set[n] for n in range(root, form.end[root])} - {-1}
        for root in roots
    }

    def stable(plan):
        for root in reversed(roots):  # small subgames first: most plans fail there
            now = value(root, plan)
            for player in range(form.num_players):
                own = [k for k in inside[root] if sets[k].player == player]
                for other in product(*(choices[k] for k in own)):
                    changed = list(plan)
                    for k, action in zip(own, other, strict=True):
                        changed[k] = action
                    if value(root, changed)[player] > now[player]:
                        return False
        return True

    def path(node, plan, given):
        if form.owner[node] == TERMINAL:
            return set()
        if form.owner[node] == CHANCE:
            lottery = form.labels[node]
            return {
                step
                for label, child in zip(form.action_labels[node], form.children[node], strict=True)
                for step in path(child, plan, (*given, (lottery, label)))
            }
        known = form.information_set[node]
        decision = sets[known].label.partition(" after ")[0]
        step = (decision, sets[known].actions[plan[known]], given)
        return {step} | path(form.children[node][plan[known]], plan, given)

    return {frozenset(path(0, plan, ())) for plan in product(*choices) if stable(plan)}
