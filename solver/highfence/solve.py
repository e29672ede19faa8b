"""The main job: a game in, certified equilibria out.

``solve`` makes the form of the game, chooses a method, runs it, makes what it yields exact
where it can, has every profile judged, drops what the judge rejects, merges what is the
same, orders and labels the rest, and says in words how far the answer goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import limits, tolerances
from .certify import certify
from .certify.signaling import judge_signaling, supporting_beliefs
from .errors import (
    LimitExceeded,
    LimitForeseen,
    MethodFailed,
    NotApplicable,
    RequestError,
    SpecError,
)
from .methods import registry
from .present import plays_of, present
from .solution import (
    Certificate,
    Equilibrium,
    Extremes,
    Findings,
    Finds,
    Play,
    Solution,
    Status,
    Support,
)

if TYPE_CHECKING:
    from .forms.extensive import ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm
    from .forms.staged import StagedForm
    from .methods.registry import Method
    from .spec.model import Game, Regime

    Form = NormalForm | ExtensiveForm | StagedForm | MarkovForm

__all__ = ["candidates", "chosen_by_auto", "form_of", "solve", "why_not_solved"]


def solve(
    game: Game | Form | str | Path,
    method: str = "auto",
    *,
    regime: str | Regime | None = None,
    preset: str | None = None,
    limit: int | None = None,
    **parameters: Any,
) -> Solution:
    """Return the equilibria of a game, each with the judge's certificate.

    Parameters
    ----------
    game
        A game, one of its forms, its name in the catalogue, or its file.
    method
        A registered method, or ``"auto"``: the method of lowest rank whose domain holds
        the game; if that ends without an equilibrium and without having searched all it
        promises, passes a limit, or searched pure strategies only, the next one. A player with a
        single strategy does not count as a player: a two-player method serves a game of
        three in which one has no choice. ``method_reason`` says why the method was taken.
    regime
        The regime (or its name) laid over the game.
    preset
        The preset of parameter values that the rest starts from.
    limit
        Most equilibria listed. By default ``limits.MAX_EQUILIBRIA``; but of a tree with more
        than ``limits.MAX_LISTED_PLANS`` one is listed for each outcome of play, and all are
        counted. Give a limit, as large as you like, and they are listed one by one.
    parameters
        Values of the game's parameters.

    Returns
    -------
    Solution
        Equilibria of strategic and extensive forms are in descending lexicographic order
        of their probability vectors, those of staged forms in the order of the method. Of a tree
        with more than are listed, those with some player's least or greatest payoff come first,
        and ``extremes`` says what all of them pay.
        For a two-player strategic form all extreme equilibria come with the maximal Nash
        subsets and the components that they span. Equilibria of a tree are grouped by outcome
        of play in ``plays``.

    Raises
    ------
    RequestError
        The game, regime, preset, parameter or method is unknown.
    NotApplicable
        The method's domain does not hold the game; the message says which methods' do.
    SpecError
        The game is wrong at these parameter values; all mistakes are listed.
    MethodFailed
        The method asked for met a numerical failure. (``"auto"`` goes on to the next.)

    Examples
    --------
    >>> from highfence.forms.normal import NormalForm
    >>> dilemma = NormalForm.bimatrix([[3, 0], [5, 1]], symmetric=True, title="dilemma")
    >>> solution = solve(dilemma)
    >>> [str(p) for p in solution.equilibria[0].payoffs.values()]
    ['1', '1']
    >>> solution.equilibria[0].certificate.regret
    Fraction(0, 1)
    """
    most = limits.MAX_EQUILIBRIA if limit is None else limit
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise RequestError(f"limit = {limit!r} is not a positive whole number")
    request = _request(game, regime, preset, parameters)
    wanted = {"plans": limits.MAX_LISTED_PLANS} if limit is None else {"limit": limit}
    outcome, method_used, method_reason = _run_chosen(request.form, method, most, wanted)
    equilibria = tuple(present(request.form, *found) for found in outcome.ordered())
    if method_used.name == "perfect_bayesian":
        equilibria = tuple(_with_beliefs(request.form, found) for found in equilibria)
    count, outcome_count, plays = _counts(outcome, equilibria)
    status, reason = _status(outcome, method_used, most)
    subsets, components = _structure(outcome, method_used, equilibria, status)
    return Solution(
        game=request.name,
        source=request.source,
        form=_form_name(request.form),
        status=status,
        reason=reason,
        method=method_used.name,
        finds=method_used.finds,
        equilibria=equilibria,
        regime=request.regime,
        preset=preset,
        parameters=request.parameters,
        options={} if limit is None else {"limit": limit},
        notes=tuple(dict.fromkeys((*getattr(request.form, "notes", ()), *outcome.notes))),
        rejected=outcome.rejected,
        subsets=subsets or (),
        components=components or (),
        method_reason=method_reason,
        plays=plays,
        count=count,
        outcome_count=outcome_count,
        more=count is not None and outcome.findings.more,
        extremes={} if count is None else _extremes(outcome),
    )


def form_of(
    game: Game,
    *,
    regime: str | Regime | None = None,
    preset: str | None = None,
    **parameters: Any,
) -> Form:
    """Return the form in which :func:`solve` solves a game; arguments as there."""
    return _request(game, regime, preset, parameters).form


def _with_beliefs(form: Any, equilibrium: Equilibrium) -> Equilibrium:
    """Return an equilibrium of a tree with the beliefs that support it, and what these survive."""
    judged = (form, equilibrium.profile, equilibrium.certificate)
    return replace(
        equilibrium, beliefs=supporting_beliefs(*judged), refinements=judge_signaling(*judged)
    )


# ---------------------------------------------------------------------------------------------
# What is asked


@dataclass(frozen=True)
class _Request:
    form: Form
    name: str
    source: str
    regime: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def _request(
    game: Game | Form | str | Path,
    regime: str | Regime | None,
    preset: str | None,
    parameters: Mapping[str, Any],
) -> _Request:
    """Return the form of what was asked for, its name and where it came from."""
    from .forms.extensive import ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm
    from .forms.staged import StagedForm
    from .spec.model import Game

    source = "python"
    if isinstance(game, str | Path):
        from .load import load
        from .spec.catalog import find

        source = str(find(game))
        game = load(game)
    if isinstance(game, Game):
        from .forms.build import build, values

        return _Request(
            form=build(game, regime=regime, preset=preset, parameters=parameters),
            name=game.name,
            source=game.file or source,
            regime=regime if regime is None or isinstance(regime, str) else regime.name,
            parameters=values(game, regime=regime, preset=preset, parameters=parameters),
        )
    if not isinstance(game, NormalForm | ExtensiveForm | StagedForm | MarkovForm):
        raise RequestError(
            f"{type(game).__name__} is not a game. "
            "Give a Game, a NormalForm, an ExtensiveForm, a MarkovForm, "
            "or the name or path of one"
        )
    title = game.title or "untitled"
    asked = [name for name, given in (("regime", regime), ("preset", preset)) if given is not None]
    if asked or parameters:
        names = ", ".join([*asked, *parameters])
        raise RequestError(
            f"{title} is {_a_form(game)}, which has no regimes, presets or parameters "
            f"({names} asked for). Only a Game has them"
        )
    return _Request(form=game, name=title, source=source)


def _form_name(form: Form) -> str:
    return type(form).__name__.removesuffix("Form").lower()


def _a_form(form: Form) -> str:
    """Return "a normal form", "an extensive form"."""
    name = _form_name(form)
    return f"a{'n' * (name[0] in 'aeiou')} {name} form"


# ---------------------------------------------------------------------------------------------
# Methods


@dataclass(frozen=True)
class _Candidate:
    """A method, the form that it is given, and the way back to the form that was asked for."""

    method: Method
    form: Form
    back: Callable[[Any], Any] | None = None


def candidates(form: Form) -> tuple[_Candidate, ...]:
    """Return the methods that take a form, in the order in which "auto" goes through them.

    Those that take it only because a player without a choice is left out come with the form
    that is left.
    """
    smaller = _smaller(form)
    found = []
    for made in registry.for_form(type(form)):
        if smaller is not None and made.accepts(smaller[0]):
            found.append(_Candidate(made, *smaller))
        elif made.accepts(form):
            found.append(_Candidate(made, form))
    found.sort(key=lambda one: not (one.method.first_for and one.method.first_for(one.form)))
    return tuple(found)


def chosen_by_auto(form: Form) -> tuple[Method, str]:
    """Return the method that "auto" begins with, and why, in words.

    Raises
    ------
    NotApplicable
        No method takes the form.
    """
    found = candidates(form)
    if not found:
        raise NotApplicable(
            f"no method takes this {_form_name(form)} form. "
            + _domains(registry.for_form(type(form)))
        )
    return found[0].method, _because(form, found[0])


def why_not_solved(game: Game, *, regime: str | None = None) -> str | None:
    """Return why a game has no form that a method takes, at its default numbers; None if it has.

    Makes the form in which the game would be solved, and solves nothing. Whether a method finds
    an equilibrium is another question.

    Examples
    --------
    >>> from highfence import load
    >>> why_not_solved(load("chicken")) is None
    True
    """
    from .forms.build import build

    try:
        build(game, regime=regime)
    except (LimitExceeded, NotApplicable, SpecError) as obstacle:
        return str(obstacle)
    return None


def _smaller(form: Form) -> tuple[NormalForm, Callable[[Any], Any]] | None:
    """Return a game of three or more players as one of the two, at most, who have a choice."""
    from .forms.normal import NormalForm
    from .forms.reduce import without_idle

    return without_idle(form) if isinstance(form, NormalForm) else None


def _run_chosen(
    form: Form, name: str, most: int, wanted: Mapping[str, int]
) -> tuple[_Outcome, Method, str]:
    """Run the method asked for, or those that "auto" goes through; say why it was taken."""
    from .forms.normal import NormalForm

    fitting = candidates(form)
    if name != "auto":
        try:
            asked = registry.get(name)
        except RequestError as unknown:
            raise RequestError(f"{unknown}. {_can(fitting)}".replace("?.", "?")) from None
        for one in fitting:
            if one.method is asked:
                return _run(form, one, most, wanted), asked, "asked for"
        raise NotApplicable(_why_not(form, asked, fitting))
    first_method, reason = chosen_by_auto(form)
    told: list[str] = []
    first: _Outcome | None = None
    tried: list[str] = []
    unfinished = False
    exceeded: LimitExceeded | None = None
    for one in fitting:
        chosen = one.method
        try:
            outcome = _run(form, one, most, wanted, foresee=True)
        except (MethodFailed, LimitExceeded) as failure:
            passed = isinstance(failure, LimitExceeded)
            told.append(f"{chosen}: {failure}" if passed else str(failure))
            foreseen = isinstance(failure, LimitForeseen)
            how = "would pass a limit" if foreseen else "passed a limit" if passed else "failed"
            tried.append(f"{chosen} {how}")
            if isinstance(failure, LimitExceeded):
                exceeded = exceeded or failure
            unfinished = True
            continue
        outcome.fallback = unfinished
        whole = outcome.findings.complete and not outcome.rejected and not unfinished
        # That no pure profile is an equilibrium says that there are mixed ones.
        if outcome.found or (whole and not _of_pure_alone(one)):
            outcome.notes = [*told, *outcome.notes]
            if tried:
                reason = f"{'; '.join(tried)}; then {_because(form, one)}"
            mixes = isinstance(one.form, NormalForm) and _of_pure_alone(one)
            if mixes and len(fitting) > fitting.index(one) + 1:
                reason += (
                    f"; {fitting[fitting.index(one) + 1].method}, if asked for, finds mixed ones"
                )
            later = [other.method for other in fitting[fitting.index(one) + 1 :]]
            if chosen.finds is Finds.SOME:
                reason += "".join(
                    f"; {other}, if asked for, looks for all of them"
                    for other in later
                    if other.finds is Finds.ALL
                )
            return outcome, chosen, reason
        told += [f"{chosen}: {note}" for note in outcome.notes]
        tried.append(
            f"{chosen} showed that no pure profile is an equilibrium"
            if whole
            else f"{chosen} found none"
        )
        unfinished = unfinished or not whole
        first = first or outcome
    if first is None:
        # With a limit raised, the method that was stopped may answer.
        raise exceeded or MethodFailed("; ".join(told))
    first.notes = told
    return first, first_method, reason


def _of_pure_alone(one: _Candidate) -> bool:
    """Return whether a method searched pure strategies only, where there may be mixed ones."""
    return one.method.pure_alone and one.form.num_players > 1


def _because(form: Form, one: _Candidate) -> str:
    """Return why a method serves a form, in words."""
    from .forms.normal import NormalForm

    if isinstance(form, NormalForm) and one.method.finds is Finds.ALL:
        active = sum(count > 1 for count in form.num_strategies)
        if active < 2:
            there = "every best choice" if active else "the only profile"
            return f"{_facts(form)}; it lists {there}"
    return f"{_facts(form)}; it is good for {one.method.use or one.method.domain}"


def _facts(form: Form) -> str:
    """Return in words what decides which method serves a form."""
    from .forms.extensive import ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm

    if isinstance(form, NormalForm):
        idle = [
            player
            for player, count in zip(form.players, form.num_strategies, strict=True)
            if count == 1
        ]
        active = form.num_players - len(idle)
        size = "x".join(map(str, form.num_strategies))
        without = f" ({', '.join(idle)} without a choice)" if idle else ""
        return f"{_counted(active, 'player')} with a choice{without}, {size} strategies"
    if isinstance(form, ExtensiveForm):
        hidden = any(len(known.nodes) > 1 for known in form.information_sets)
        seen = "with hidden moves" if hidden else "in which all moves are seen"
        return f"a tree of {_counted(form.num_nodes, 'node')} {seen}"
    if isinstance(form, MarkovForm):
        ends = "without end" if form.horizon is None else f"of {form.horizon} periods"
        return f"a game {ends} on {_counted(form.num_states, 'state')}"
    return "some decisions are over intervals"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _why_not(form: Form, chosen: Method, fitting: Sequence[_Candidate]) -> str:
    if chosen.form is not type(form):
        kind = chosen.form.__name__.removesuffix("Form").lower()
        reason = f"it takes {kind} forms, and this game is {_a_form(form)}"
    else:
        reason = f"it takes {chosen.domain or 'fewer games'}, and this game is not of that kind"
    return f"{chosen.name} cannot solve this game: {reason}. {_can(fitting)}"


def _can(fitting: Sequence[_Candidate]) -> str:
    return f"Methods that can: {', '.join(one.method.name for one in fitting) or 'none'}"


def _domains(methods: tuple[Method, ...]) -> str:
    return "Methods for this form take: " + "; ".join(
        f"{made.name}: {made.domain or 'all'}" for made in methods
    )


@dataclass
class _Outcome:
    """What one run of one method came to, after judgment."""

    form: Form
    found: list[tuple[Any, Certificate]] = field(default_factory=list)
    findings: Findings = field(default_factory=lambda: Findings(complete=False))
    notes: list[str] = field(default_factory=list)
    rejected: int = 0
    worst: str = ""
    """Why the judge rejected the first rejected profile."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Which proposal an equilibrium's profile (its identity) was, from 0."""
    stopped: bool = False
    """The limit on listed equilibria was reached."""
    fallback: bool = False
    """The method was taken because one that promises more could not finish."""

    def support(self, profile: Any) -> Support | None:
        """Return what the method says that an equilibrium stands for, if it stands for others."""
        supports = self.findings.supports
        return supports[self.numbers[id(profile)]] if supports else None

    def ordered(self) -> list[tuple[Any, Certificate]]:
        """Return the equilibria in descending lexicographic order of their probabilities.

        Of more than are listed, the method says which are the first.
        """
        if self.findings.extremes or any(_probabilities(one) is None for one, _ in self.found):
            return self.found
        shown = getattr(self.form, "sets_shown", None)

        def key(found: tuple[Any, Certificate]) -> tuple[Any, ...]:
            profile = found[0]
            if shown is None:
                return _probabilities(profile) or ()
            return tuple(p for known in shown for p in profile.probabilities[known])

        return sorted(self.found, key=key, reverse=True)


def _run(
    form: Form, chosen: _Candidate, most: int, wanted: Mapping[str, int], foresee: bool = False
) -> _Outcome:
    """Run a method and judge what it yields, until it ends or the limit is reached.

    With ``foresee``, a method that can tell stops where it would pass a limit later.
    """
    outcome = _Outcome(form)
    distinct = _Distinct()
    # A method that counts plans can list one for each outcome.
    options: dict[str, Any] = {**wanted} if "plans" in chosen.method.options else {}
    if foresee and "foresee" in chosen.method.options:
        options["foresee"] = True
    profiles = chosen.method(chosen.form, **options)
    number = -1
    while True:
        try:
            proposed = next(profiles)
            number += 1
        except StopIteration as end:
            # A generator that returns nothing makes no claim to be complete.
            outcome.findings = end.value or Findings(complete=False)
            outcome.notes += outcome.findings.notes
            return outcome
        profile, certificate = _judged(form, chosen, proposed)
        if not certificate.holds:
            outcome.rejected += 1
            outcome.worst = outcome.worst or "; ".join(certificate.checks)
        elif distinct.is_new(profile):
            if len(outcome.found) == most:
                outcome.stopped = True
                outcome.notes.append(f"the search stopped at {most} equilibria")
                return outcome
            outcome.found.append((profile, certificate))
            outcome.numbers[id(profile)] = number


def _judged(form: Form, chosen: _Candidate, proposed: Any) -> tuple[Any, Certificate]:
    """Return the profile and its certificate, in exact arithmetic if an exact one is near."""

    back = chosen.back or (lambda profile: profile)
    for candidate in _exact_near(chosen.form, proposed):
        profile = back(candidate)
        certificate = certify(form, profile)
        if certificate.holds:
            return profile, certificate
    profile = back(proposed)
    return profile, certify(form, profile)


def _exact_near(form: Form, profile: Any) -> Iterator[Any]:
    """Yield exact profiles near one in floats, where the form has exact payoffs."""
    from .forms.assessment import Assessment
    from .forms.extensive import ExtensiveForm
    from .forms.normal import NormalForm

    if isinstance(form, NormalForm):
        from .forms.lift import exact_candidates

        yield from exact_candidates(form, profile)
    elif isinstance(form, ExtensiveForm) and form.is_exact and isinstance(profile, Assessment):
        from .forms.assessment import exact_assessments

        yield from exact_assessments(profile)


def _probabilities(profile: Any) -> tuple[Any, ...] | None:
    """Return all probabilities of a finite profile in one tuple; None for a staged profile."""
    vectors = _vectors(profile)
    return None if vectors is None else tuple(p for vector in vectors for p in vector)


def _vectors(profile: Any) -> Sequence[tuple[Any, ...]] | None:
    """Return the strategies of a finite profile; None for a staged profile."""
    return getattr(profile, "strategies", None) or getattr(profile, "probabilities", None)


class _Distinct:
    """Tells profiles that are new from those that were there before."""

    def __init__(self) -> None:
        self.exact: set[tuple[int, ...]] = set()
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.number_of: dict[int, tuple[tuple[Any, ...], int]] = {}
        """Per exact strategy (its identity): itself, so that it stays, and its number. Pure
        strategies are often one object in many profiles, and fractions take long to hash."""
        self.waiting: list[Any] = []
        """Exact profiles that no inexact one was compared with yet."""
        self.inexact: dict[tuple[int, ...], list[tuple[float, ...]]] = {}

    def is_new(self, profile: Any) -> bool:
        """Return whether no profile seen before is the same, up to ``tolerances.SAME``."""
        vectors = _vectors(profile)
        if vectors is None:
            return True
        if not profile.is_exact:
            for exact in self.waiting:
                self._compare(exact)
            self.waiting = []
            return self._compare(profile)
        # Exact ones that differ are different however close; others are compared by value.
        key = tuple(map(self._number, vectors))
        if key in self.exact:
            return False
        self.exact.add(key)
        self.waiting.append(profile)
        return True

    def _number(self, strategy: tuple[Any, ...]) -> int:
        """Return a number that exact strategies have in common if they are equal."""
        known = self.number_of.get(id(strategy))
        if known is None:
            number = self.numbers.setdefault(strategy, len(self.numbers))
            known = self.number_of[id(strategy)] = strategy, number
        return known[1]

    def _compare(self, profile: Any) -> bool:
        """Return whether a profile is near none that were compared, and keep it if it is new."""
        floats = tuple(float(p) for p in _probabilities(profile) or ())
        support = tuple(k for k, p in enumerate(floats) if p > tolerances.SAME)
        near = any(
            max(abs(p - q) for p, q in zip(floats, other, strict=True)) <= tolerances.SAME
            for other in self.inexact.get(support, ())
        )
        if near and not profile.is_exact:
            return False
        self.inexact.setdefault(support, []).append(floats)
        return True


# ---------------------------------------------------------------------------------------------
# What it came to


def _status(outcome: _Outcome, chosen: Method, most: int) -> tuple[Status, str]:
    """Return how the request ended, and why, in words."""
    findings = outcome.findings
    judged = f"the judge rejected all {outcome.rejected} profiles that {chosen} proposed"
    if not outcome.found and outcome.rejected:
        return Status.UNCERTIFIED, f"{judged} ({outcome.worst})"
    if not outcome.found:
        if findings.proves_none:
            reason = "there is none in pure strategies: the search was complete"
        elif findings.complete:
            reason = f"{chosen} searched all that it promises"
        else:
            reason = f"{chosen} did not finish"
        if outcome.notes:
            reason += f" ({'; '.join(outcome.notes)})"
        return Status.NONE_FOUND, reason
    if outcome.stopped:
        return Status.PARTIAL, f"the limit of {most} equilibria was reached; there may be more"
    if outcome.fallback:
        return (
            Status.PARTIAL,
            "a search for all equilibria passed a limit, or ended without any; these are what "
            f"{chosen} found, and there may be more",
        )
    there = findings.outcomes if findings.supports else findings.count
    if not findings.complete and (there or 0) > len(outcome.found) + outcome.rejected:
        return Status.PARTIAL, "not all that were found are listed"
    if not findings.complete:
        return Status.PARTIAL, f"{chosen} did not finish its search; there may be more"
    if chosen.finds is Finds.ALL and outcome.rejected:
        return Status.PARTIAL, "the judge rejected some profiles, so others may be missing"
    what = chosen.summary.removeprefix("Yield ").removesuffix(".")
    if chosen.finds is Finds.ALL:
        return Status.SOLVED, f"the search was complete: {what}"
    short = [bool(getattr(profile, "approached", ())) for profile, _ in outcome.found]
    if any(short):
        which = "all that are listed" if all(short) else f"{sum(short)} of those listed"
        return Status.SOLVED, (
            f"{chosen} yields {what}; there may be more; {which} are epsilon-equilibria: a best "
            "action is approached and not attained (see their notes)"
        )
    return Status.SOLVED, f"{chosen} yields {what}; there may be more"


def _counts(
    outcome: _Outcome, equilibria: tuple[Equilibrium, ...]
) -> tuple[int | None, int | None, tuple[Play, ...]]:
    """Return how many equilibria of a tree there are, of how many outcomes, and these."""
    from .forms.extensive import ExtensiveForm

    form, findings, listed = outcome.form, outcome.findings, len(equilibria)
    if findings.count is None or not listed or not isinstance(form, ExtensiveForm):
        return None, None, ()
    if findings.supports:
        return findings.count, findings.outcomes, plays_of(form, equilibria, outcome.support)
    if findings.count > listed + outcome.rejected:
        return findings.count, findings.outcomes, ()  # the first of them: of some outcomes a part
    plays = plays_of(form, equilibria, outcome.support)
    return listed, len(plays), plays


def _extremes(outcome: _Outcome) -> dict[str, Extremes]:
    """Return the extremes of payoffs and outcomes by their names, where the method gave them."""
    form: Any = outcome.form
    found = outcome.findings.extremes
    names = (*form.players, *form.outcomes) if found else ()
    return {name: one for name, one in zip(names, found, strict=True) if one is not None}


def _structure(
    outcome: _Outcome, chosen: Method, equilibria: tuple[Equilibrium, ...], status: Status
) -> tuple[tuple[tuple[int, ...], ...] | None, tuple[tuple[int, ...], ...] | None]:
    """Return the Nash subsets and components, if all extreme equilibria are there."""
    if chosen.name != "extreme_enumeration" or status is not Status.SOLVED:
        return None, None
    from .methods.extreme import components, maximal_nash_subsets

    profiles = [_of_two(equilibrium.profile) for equilibrium in equilibria]
    subsets = maximal_nash_subsets(profiles)
    if subsets is None:
        outcome.notes.append(
            f"more than {limits.MAX_SUBSETS} maximal Nash subsets (highfence.limits.MAX_SUBSETS): "
            "they are not listed"
        )
    return subsets, components(profiles)


def _of_two(profile: Any) -> Any:
    """Return the part of a profile of those who have a choice, two players at most."""
    from .forms.normal import Profile

    if len(profile.strategies) == 2:
        return profile
    with_choice = [k for k, strategy in enumerate(profile.strategies) if len(strategy) > 1]
    others = [k for k in range(len(profile.strategies)) if k not in with_choice]
    return Profile(tuple(profile.strategies[k] for k in sorted([*with_choice, *others][:2])))
