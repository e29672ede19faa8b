"""Perfect Bayesian equilibria of trees, in mixed strategies too.

Definitions
-----------
A profile is *weak perfect Bayesian* here if it is subgame perfect, and at every information set
some belief makes what is prescribed from there on optimal: the belief of Bayes' rule where the
player's own choices could reach the set against the others' strategies, inside the smallest
subgame that contains it; elsewhere any belief over its nodes.

A stage is one of a *sender and a receiver* (:mod:`highfence.forms.signaling`) if play meets at
most one move of the one and then at most one of the other. There the receiver's replies to
messages that are not sent matter to the sender only as threats, so the equilibria that beliefs
support are faces of the Nash equilibria's polytopes: where a reply is best against no belief, its
probability is zero, and that is a facet. The extreme perfect Bayesian equilibria are therefore
those among the extreme equilibria whose replies some beliefs support, and pooling, separating and
semi-separating ones come out alike.

References
----------
Kreps and Wilson (1982), "Sequential equilibria"; Fudenberg and Tirole (1991), "Perfect Bayesian
equilibrium and sequential equilibrium"; Mas-Colell, Whinston and Green (1995), section 9.C.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction

from ..forms.extensive import BehaviorProfile, ExtensiveForm
from ..forms.reduce import Truncation
from ..forms.signaling import signaling_stage
from ..solution import Findings, Finds
from .backward_induction import Behavior, Search, Values, has_perfect_recall
from .registry import method

__all__ = ["perfect_bayesian"]


@method(
    "perfect_bayesian",
    form=ExtensiveForm,
    accepts=has_perfect_recall,
    finds=Finds.ALL,
    exact=True,
    source="Kreps & Wilson (1982); Mas-Colell, Whinston & Green (1995), def. 9.C.3",
    domain="perfect recall; mixed equilibria of stages of two players, complete for a sender "
    "and a receiver",
    rank=25,
    use="every equilibrium with beliefs of two players, where types or moves are hidden",
)
def perfect_bayesian(
    form: ExtensiveForm, *, plans: int | None = None, limit: int | None = None
) -> Generator[BehaviorProfile, None, Findings]:
    """Yield all extreme perfect Bayesian equilibria, pure and mixed.

    Subgames are solved from the deepest up, as by backward induction. Of the extreme equilibria
    of a stage of two players those are kept at which, at every information set, some belief makes
    what is prescribed optimal. In stages of more players the pure ones are searched.

    Parameters
    ----------
    form
        A tree with perfect recall.
    plans, limit
        As for :func:`backward_induction`.

    Yields
    ------
    BehaviorProfile
        Complete plans, exact. :func:`highfence.solve.solve` adds the beliefs that support them.

    Returns
    -------
    Findings
        ``complete`` if every stage is a single move, a sender and a receiver, or a stage of two
        players whose equilibria leave open nothing that players exclude by their own choices.
        Otherwise, and at the limits of ``backward_induction``, the notes say what is missing.

    Raises
    ------
    NotApplicable
        A player does not have perfect recall.
    LimitExceeded
        A stage is too large.

    Notes
    -----
    In a stage of a sender and a receiver all perfect Bayesian equilibria are convex combinations
    of the listed ones, one player at a time, and every supporting belief is a limit of Bayes'
    rule, so they are the sequential equilibria; where the sender cannot tell chance moves apart,
    that is so if the beliefs keep to the odds of those moves.
    In other stages a belief at one information set need not fit with that at another.

    Cost: that of all extreme equilibria of the stages, and one small linear program per
    information set that is not reached.

    Examples
    --------
    A weak sender bluffs at times: the target resists at times, so that bluffing pays no more
    than silence.

    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> def threat(name, resisted, loss):
    ...     ends = (Terminal((1, -1)), Terminal((resisted, loss)))
    ...     answer = Move(1, "threatened", ("comply", "resist"), ends)
    ...     return Move(0, name, ("quiet", "threaten"), (Terminal((0, 0)), answer))
    >>> types = (threat("tough", Fraction(1, 4), -2), threat("weak", -1, 0))
    >>> root = Lottery("type", ("tough", "weak"), (Fraction(1, 4), Fraction(3, 4)), types)
    >>> game = ExtensiveForm.from_tree(["sender", "target"], root)
    >>> for profile in perfect_bayesian(game):
    ...     print(*(str(p) for strategy in profile.probabilities for p in strategy))
    0 1 1/2 1/2 2/3 1/3
    """
    search = Search(form, beliefs=True)

    def solve(tree: Truncation, values: Values) -> Iterator[Behavior]:
        return _stage_equilibria(search, tree, values)

    return (yield from search.run(solve, plans, limit))


def _stage_equilibria(search: Search, tree: Truncation, values: Values) -> Iterator[Behavior]:
    """Yield the extreme equilibria of a stage that some beliefs support."""
    active = [player for player, plans in tree.plans.items() if len(plans) > 1]
    if len(active) != 2:
        if len(active) > 2:
            search.only_pure(tree, f"{len(active)} players move in the stage of {{}}")
        yield from search.pure_and_sequential(tree, values)
        return
    is_signaling = signaling_stage(search.form, tree.root) is not None
    before = tree.own_histories()
    for behavior in search.extreme(tree, active[0], active[1], values):
        excluded = not is_signaling and any(
            Fraction(behavior[here][taken]) == 0
            for steps in before.values()
            for here, taken in steps
        )
        if excluded:
            search.cut_short(
                "excluded",
                "at information sets that a player's own choice excludes one best reply is "
                "considered, so equilibria that need another one there may be missing,",
                tree.root,
            )
        if all(search.is_rational(tree, known, behavior, values) for known in tree.sets):
            yield behavior
