"""Refinements of equilibria, beliefs, and the index: what can be said beyond "nobody gains".

As in :mod:`highfence.solve`, methods look for evidence and the judge decides: whether an
equilibrium in strategic form is perfect (Selten 1975) and proper (Myerson 1978); which index an
isolated equilibrium or a component has; and, in trees, which beliefs support an equilibrium and
whether it is sequential and survives the intuitive criterion (Cho and Kreps 1987), D1 and D2
(Banks and Sobel 1987).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import limits
from .certify.refinement import index_of, judge_evidence
from .certify.signaling import judge_signaling, supporting_beliefs
from .errors import NotApplicable, RequestError
from .forms.trembles import Evidence, Regular
from .solution import Equilibrium, Refinement, Solution
from .solve import form_of

if TYPE_CHECKING:
    from .forms.extensive import BehaviorProfile, ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm, Profile
    from .spec.model import Game

__all__ = ["refine"]

_SEEDS = 3
"""Directions tried before the index of a component is left open."""


def refine(
    game: Game | NormalForm | ExtensiveForm | MarkovForm | str | Path, solution: Solution
) -> Solution:
    """Return a solution with verdicts on the refinements of each of its equilibria.

    Parameters
    ----------
    game
        What was solved: a game, a form, or its name or file. A game is taken under the regime, the
        preset and the parameters of the solution.
    solution
        What :func:`highfence.solve.solve` returned for it.

    Returns
    -------
    Solution
        Equilibria in strategic form have ``refinements`` "perfect" and "proper", and an ``index``
        where they are isolated; the solution has ``indices``, one per component, if it lists all
        extreme equilibria of two players. Equilibria of trees have ``beliefs``, and
        ``refinements`` "sequential", "intuitive criterion", "D1" and "D2" where a sender signals to
        a receiver; in other small trees "perfect", each information set counting as a player of its
        own (Selten's agents). A verdict that could not be had has ``holds`` None.

    Raises
    ------
    RequestError
        The solution has no equilibrium, or is not one of this game.
    NotApplicable
        The game is neither in strategic nor in extensive form.

    Notes
    -----
    Of two players, perfect and proper are decided in exact arithmetic. For more players regular
    equilibria are settled; others only if a simple pattern of trembles or of dominance does it.

    Examples
    --------
    Myerson's (1978) game: three equilibria, of which two are perfect and one proper.

    >>> from highfence.forms.normal import NormalForm
    >>> from highfence.solve import solve
    >>> game = NormalForm.bimatrix([[1, 0, -9], [0, 0, -7], [-9, -7, -7]], symmetric=True)
    >>> solution = refine(game, solve(game))
    >>> for equilibrium in solution.equilibria:
    ...     print(equilibrium.index, [verdict.holds for verdict in equilibrium.refinements])
    1 [True, True]
    0 [True, False]
    0 [False, False]
    """
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm

    form = _form(game, solution)
    if not solution.equilibria:
        raise RequestError(f"{solution.game} has no equilibrium here: {solution.reason}")
    if isinstance(form, NormalForm):
        return _strategic(form, solution)
    if isinstance(form, ExtensiveForm):
        agents = _agents(form)
        return replace(
            solution,
            equilibria=tuple(_of_tree(form, agents, found) for found in solution.equilibria),
        )
    raise NotApplicable(
        f"refinements are judged in strategic and extensive form; {solution.game} is "
        f"{solution.form}"
    )


def _form(game: Any, solution: Solution) -> Any:
    from .load import load
    from .spec.model import Game

    if isinstance(game, str | Path):
        game = load(game)
    if not isinstance(game, Game):
        return game
    return form_of(
        game, regime=solution.regime, preset=solution.preset, **dict(solution.parameters)
    )


# ---------------------------------------------------------------------------------------------
# Strategic form


def _strategic(form: NormalForm, solution: Solution) -> Solution:
    for equilibrium in solution.equilibria:
        lengths = tuple(map(len, equilibrium.profile.strategies))
        if lengths != form.num_strategies:
            raise RequestError(
                f"a solution with {lengths} strategies is not one of a game with "
                f"{form.num_strategies}. Give the game that was solved"
            )
    own = [index_of(form, found.profile) for found in solution.equilibria]
    indices = _indices(form, solution, own)
    isolated = {
        members[0]: index
        for members, index in zip(solution.components, indices, strict=True)
        if len(members) == 1
    }
    equilibria = tuple(
        replace(
            found,
            index=isolated.get(position, index),
            refinements=_verdicts(form, found.profile, index is not None),
        )
        for position, (found, index) in enumerate(zip(solution.equilibria, own, strict=True))
    )
    return replace(
        solution,
        equilibria=equilibria,
        indices=indices,
        notes=(*solution.notes, *_on_the_sum(solution, own, indices)),
    )


def _verdicts(form: NormalForm, profile: Profile, regular: bool) -> tuple[Refinement, ...]:
    """Return the verdicts on perfect and proper."""
    from .methods.trembles import perfect_evidence, proper_evidence

    if regular:
        return tuple(
            judge_evidence(form, profile, name, Regular()) for name in ("perfect", "proper")
        )
    perfect = _judged(form, profile, "perfect", perfect_evidence(form, profile))
    if perfect.holds is False:
        return (perfect, Refinement("proper", False, "it is not perfect"))
    proper = _judged(form, profile, "proper", proper_evidence(form, profile))
    if proper.holds and perfect.holds is None:
        perfect = Refinement("perfect", True, "it is proper")
    return (perfect, proper)


def _judged(
    form: NormalForm, profile: Profile, name: str, evidence: Iterable[Evidence]
) -> Refinement:
    """Return the judge's verdict on the first evidence that bears one out."""
    verdict = Refinement(name, None, "there is no evidence either way")
    for each in evidence:
        verdict = judge_evidence(form, profile, name, each)
        if verdict.holds is not None:
            break
    return verdict


def _indices(form: NormalForm, solution: Solution, own: list[int | None]) -> tuple[int | None, ...]:
    """Return the index of each component of two players' equilibria."""
    found = [own[members[0]] if len(members) == 1 else None for members in solution.components]
    if all(index is not None for index in found):
        return tuple(found)
    return _from_neighbors(form, solution) or tuple(found)


def _from_neighbors(form: NormalForm, solution: Solution) -> tuple[int, ...] | None:
    """Return the sums of the indices of equilibria near each component, in a game nearby."""
    from .methods.extreme import extreme_enumeration
    from .methods.rational_lp import in_convex_hull
    from .methods.trembles import regular_neighbor

    if form.num_players > 2 or max(form.num_strategies) > limits.MAX_INDEX_STRATEGIES:
        return None
    if not solution.subsets:
        return None
    profiles = [equilibrium.profile for equilibrium in solution.equilibria]
    component_of = {
        member: place for place, members in enumerate(solution.components) for member in members
    }

    def component(limit: list[list[Fraction]]) -> int | None:
        for subset in solution.subsets:
            if all(
                in_convex_hull(limit[player], [profiles[k].strategies[player] for k in subset])
                for player in (0, 1)
            ):
                return component_of[subset[0]]
        return None

    for seed in range(_SEEDS):
        near, bound = regular_neighbor(form, seed)
        sums = [0] * len(solution.components)
        for profile in extreme_enumeration(near):
            index = index_of(near, profile)
            limit = [
                [Fraction(p).limit_denominator(bound) for p in vector]
                for vector in profile.strategies
            ]
            place = None if index is None else component(limit)
            if index is None or place is None:
                break
            sums[place] += index
        else:
            if sum(sums) == 1:
                return tuple(sums)
    return None


def _on_the_sum(
    solution: Solution, own: list[int | None], indices: tuple[int | None, ...]
) -> tuple[str, ...]:
    """Return what the sum of the indices says about what may be missing."""
    if indices and None not in indices:
        return ("the indices of the components sum to 1, as those of all equilibria must",)
    listed = [index for index in own if index is not None]
    if solution.components or len(listed) < len(own):
        return ()
    if (total := sum(listed)) == 1:
        return ("the indices of the equilibria listed sum to 1, as those of all must",)
    return (
        f"the indices of the equilibria listed sum to {total}; those of all sum to 1, so there "
        "are others",
    )


# ---------------------------------------------------------------------------------------------
# Trees


def _of_tree(form: ExtensiveForm, agents: NormalForm | None, found: Equilibrium) -> Equilibrium:
    profile: BehaviorProfile = found.profile
    if len(profile.probabilities) != len(form.information_sets):
        raise RequestError(
            f"a solution with {len(profile.probabilities)} information sets is not one of a game "
            f"with {len(form.information_sets)}. Give the game that was solved"
        )
    verdicts = judge_signaling(form, profile, found.certificate)
    if agents is not None and len(verdicts) == 1:  # what signaling leaves is settled otherwise
        verdicts = _with_perfection(agents, profile, verdicts)
    return replace(
        found,
        beliefs=supporting_beliefs(form, profile, found.certificate),
        refinements=verdicts,
    )


def _with_perfection(
    agents: NormalForm, profile: BehaviorProfile, verdicts: tuple[Refinement, ...]
) -> tuple[Refinement, ...]:
    """Return the verdicts with that on perfection, which implies sequential."""
    from .forms.normal import Profile

    exact = tuple(tuple(Fraction(p) for p in odds) for odds in profile.probabilities)
    perfect = _verdict_of_agents(agents, Profile(exact))
    if perfect.holds and verdicts[0].holds is None:
        sequential = Refinement("sequential", True, "it is perfect in the agents' strategic form")
        verdicts = (sequential, *verdicts[1:])
    return (*verdicts, perfect)


def _verdict_of_agents(agents: NormalForm, profile: Profile) -> Refinement:
    from .methods.trembles import perfect_evidence

    if index_of(agents, profile) is not None:
        return judge_evidence(agents, profile, "perfect", Regular())
    return _judged(agents, profile, "perfect", perfect_evidence(agents, profile))


def _agents(form: ExtensiveForm) -> NormalForm | None:
    """Return the game whose players are the information sets, or None if it is too large.

    None also if chance excludes a move: what is done there is part of a sequential equilibrium,
    but no errors of others lead there, so that being perfect says nothing about it.
    """
    from .forms.extensive import CHANCE, BehaviorProfile
    from .forms.normal import NormalForm

    counts = [len(known.actions) for known in form.information_sets]
    if len(counts) < 2 or prod(counts) > limits.MAX_AGENT_CELLS or not form.is_exact:
        return None
    for node, following in enumerate(form.children):
        if form.owner[node] == CHANCE:
            for child, p in zip(following, form.probabilities[node], strict=True):
                if not p and (form.owner[child : form.end[child]] >= 0).any():
                    return None
    payoffs = np.empty((len(counts), *counts), dtype=object)
    units = [
        [tuple(Fraction(k == chosen) for k in range(count)) for chosen in range(count)]
        for count in counts
    ]
    owners = [known.player for known in form.information_sets]
    for cell in product(*map(range, counts)):
        expected = form.expected_payoffs(
            BehaviorProfile(tuple(unit[k] for unit, k in zip(units, cell, strict=True)))
        )
        for agent, owner in enumerate(owners):
            payoffs[(agent, *cell)] = expected[owner]
    return NormalForm.from_payoffs(
        payoffs,
        players=[
            f"{form.players[known.player]} at {known.label}" for known in form.information_sets
        ],
        strategies=[list(known.actions) for known in form.information_sets],
    )
