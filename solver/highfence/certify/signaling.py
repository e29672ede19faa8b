"""The judge of beliefs and of refinements in signaling.

Definitions
-----------
What a stage of a sender and a receiver is, its *types*, *readings* and *sources*, is said in
:mod:`highfence.forms.signaling`. Let ``u(t)`` be what type ``t`` gets in the equilibrium, and
``u(t, m, r)`` what it gets from message ``m`` if the receiver then replies ``r``. ``BR(S)`` are the
replies that are best against some belief over the sources ``S`` of a reading, mixed ones included.

*Beliefs.* At a reading that play reaches, that of Bayes' rule. At another, all beliefs over its
sources against which every reply in use is best: a polytope, of which the extreme points are
given. All of them are consistent (Kreps and Wilson 1982), since the trembles of the types, which
are independent, bring about any odds; so what has such beliefs everywhere is sequential.

*Intuitive criterion* (Cho and Kreps 1987). At a reading that is not reached, a type is ruled out
if no reply in ``BR(all)`` gives it as much as ``u(t)``. The equilibrium fails if every reply in
``BR(those left)`` gives some type that is left more than ``u(t)``.

*D1* (Banks and Sobel 1987; Cho and Kreps 1987). A type is ruled out if another one gains strictly
from every reply in ``BR(all)`` from which it gains or loses nothing, and there are replies from
which the other gains. The equilibrium fails if every reply in ``BR(those left)`` gives some type
more than in the equilibrium. D1 rules out more than the intuitive criterion.

*D2* (Banks and Sobel 1987; Cho and Kreps 1987), the test behind universal divinity: a type is ruled
out if from every such reply some other type gains strictly, be it another one each time. D2 rules
out more than D1. Both are applied once, not again among the types that are left.

All arithmetic is rational; numbers of a float game count as the rational numbers that they are,
and differences within the tolerance of the payoff scale as equal.

References
----------
Banks and Sobel (1987), "Equilibrium selection in signaling games"; Cho and Kreps (1987),
"Signaling games and stable equilibria"; Kreps and Wilson (1982), "Sequential equilibria";
Motzkin, Raiffa, Thompson and Thrall (1953), "The double description method".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from weakref import WeakKeyDictionary

from .. import limits
from ..forms.extensive import CHANCE, BehaviorProfile, ExtensiveForm
from ..forms.signaling import Reading, SignalingStage, signaling_stage
from ..solution import Belief, Certificate, Refinement
from .extensive import certify_extensive

__all__ = ["judge_signaling", "supporting_beliefs"]

Source = tuple[int, int]
Weighted = tuple[tuple[int, Fraction], ...]
"""Nodes, with weights."""

_TOO_MANY = "left open: more extreme points than highfence.limits.MAX_RAYS"
_RATIONAL = ("subgame perfect", "weak perfect Bayesian")


def supporting_beliefs(
    form: ExtensiveForm, profile: BehaviorProfile, certificate: Certificate | None = None
) -> tuple[Belief, ...]:
    """Return what players may believe where they do not know the node.

    Parameters
    ----------
    form
        A tree with perfect recall.
    profile
        Probabilities over the actions of every information set.
    certificate
        That of the profile, if it is at hand. Its tolerance, relative to a player's payoff scale,
        is that of the beliefs too.

    Returns
    -------
    tuple
        One per information set of several nodes, in the order of the form, if play reaches it
        inside the smallest subgame that contains it, or if it is a reading of a sender's
        message. ``extreme`` is empty if no belief supports the replies. Left out are other
        information sets, where beliefs hang together, and sets of more than
        ``limits.MAX_RAYS`` extreme beliefs.

    Examples
    --------
    Both types keep quiet, since an answer to the unexpected would be a refusal. It is one if the
    receiver believes in the weak type with at least 1/2.

    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> def send(name, gain):
    ...     ends = (Terminal((-1, 0)), Terminal((1, gain)))
    ...     reply = Move(1, "asked", ("refuse", "agree"), ends)
    ...     return Move(0, name, ("quiet", "ask"), (Terminal((0, 0)), reply))
    >>> types = (send("strong", 1), send("weak", -1))
    >>> half = Fraction(1, 2)
    >>> root = Lottery("type", ("strong", "weak"), (half, half), types)
    >>> game = ExtensiveForm.from_tree(["sender", "receiver"], root)
    >>> belief, = supporting_beliefs(game, BehaviorProfile(((1, 0), (1, 0), (1, 0))))
    >>> belief.places, belief.reached
    (('strong', 'weak'), False)
    >>> [[str(p) for p in point] for point in belief.extreme]
    [['0', '1'], ['1/2', '1/2']]
    """
    return _Judge(form, profile, certificate).beliefs()


def judge_signaling(
    form: ExtensiveForm, profile: BehaviorProfile, certificate: Certificate | None = None
) -> tuple[Refinement, ...]:
    """Return whether an equilibrium is sequential, and what beliefs after no message it needs.

    Parameters
    ----------
    form, profile, certificate
        As for :func:`supporting_beliefs`.

    Returns
    -------
    tuple
        ``"sequential"``; then, if it is and some stage is one of a sender of several types and a
        receiver, ``"intuitive criterion"``, ``"D1"`` and ``"D2"``. ``holds`` is None where it is
        left open.

    Notes
    -----
    The criteria judge the outcome: what matters is whether beliefs that they allow could deter
    from the messages that are not sent, not whether the very replies of the profile do.

    Examples
    --------
    The strong type would ask if a weak one could only lose by it:

    >>> from highfence.forms.extensive import Lottery, Move, Terminal
    >>> def send(name, best, gain):
    ...     ends = (Terminal((-1, 0)), Terminal((best, gain)))
    ...     reply = Move(1, "asked", ("refuse", "agree"), ends)
    ...     return Move(0, name, ("quiet", "ask"), (Terminal((0, 0)), reply))
    >>> types = (send("strong", 1, 1), send("weak", Fraction(-1, 2), -1))
    >>> half = Fraction(1, 2)
    >>> root = Lottery("type", ("strong", "weak"), (half, half), types)
    >>> game = ExtensiveForm.from_tree(["sender", "receiver"], root)
    >>> for verdict in judge_signaling(game, BehaviorProfile(((1, 0), (1, 0), (1, 0)))):
    ...     print(verdict.name, verdict.holds)
    sequential True
    intuitive criterion False
    D1 False
    D2 False
    """
    return _Judge(form, profile, certificate).refinements()


class _TooMany(Exception):
    """More extreme points than the limit."""


@dataclass(frozen=True)
class _Question:
    """A reading with all that bears on it: sources are its rows."""

    stage: SignalingStage
    reading: Reading
    reached: tuple[Fraction, ...]
    """Per source, the probability with which play comes through it, inside the stage."""
    worth: tuple[tuple[Fraction, ...], ...]
    """Per source and reply, the receiver's expected payoff."""
    gains: tuple[tuple[Fraction, ...], ...]
    """Per source and reply, what its type would get more than in the equilibrium."""

    def beliefs(self, support: Sequence[int], slack: Fraction) -> list[tuple[Fraction, ...]]:
        """Return the extreme beliefs over the sources against which all these replies are best."""
        rows = [
            [of_source[reply] - of_source[other] + slack for of_source in self.worth]
            for reply in support
            for other in range(len(self.worth[0]))
            if other != reply
        ]
        return _extreme_points(len(self.worth), rows)

    def best_replies(self, sources: Sequence[int], slack: Fraction) -> list[frozenset[int]]:
        """Return the maximal sets of replies that are best at once against a belief over these."""
        count = len(self.worth[0])
        lift = 1 - min(min(self.worth[source]) for source in sources)
        # Beliefs and a value that is at least that of each reply; extreme points with a belief.
        rows = [
            [*(-(self.worth[source][reply] + lift) for source in sources), Fraction(1)]
            for reply in range(count)
        ]
        found: set[frozenset[int]] = set()
        for ray in _extreme_rays(len(sources) + 1, rows):
            if total := sum(ray[:-1]):
                tight = [
                    reply
                    for reply, row in enumerate(rows)
                    if sum(a * b for a, b in zip(row, ray, strict=True)) <= slack * total
                ]
                found.add(frozenset(tight))
        return [one for one in found if not any(one < other for other in found)]


_Stage = tuple[int, tuple[int, ...], SignalingStage | None]
"""Root, information sets, and the stage if it is one of signaling."""

_STAGES: WeakKeyDictionary[ExtensiveForm, tuple[_Stage, ...]] = WeakKeyDictionary()
"""Stages of forms that are still in use: a form never changes, and has many profiles."""


def _stages_of(form: ExtensiveForm) -> tuple[_Stage, ...]:
    """Return the stages with more than one information set, or one of several nodes."""
    if form not in _STAGES:
        roots = set(form.subgame_roots())
        inside: dict[int, list[int]] = {}
        for known, about in enumerate(form.information_sets):
            root = about.nodes[0]
            while root not in roots:
                root = int(form.parent[root])
            inside.setdefault(root, []).append(known)
        _STAGES[form] = tuple(
            (root, tuple(sets), signaling_stage(form, root))
            for root, sets in sorted(inside.items())
            if len(sets) > 1 or len(form.information_sets[sets[0]].nodes) > 1
        )
    return _STAGES[form]


class _Judge:
    """One profile under examination."""

    def __init__(
        self, form: ExtensiveForm, profile: BehaviorProfile, certificate: Certificate | None
    ) -> None:
        self.form = form
        self.certificate = certificate or certify_extensive(form, profile)
        self.odds = [tuple(Fraction(p) for p in row) for row in profile.probabilities]
        self.lotteries = form.exact_probabilities or form.probabilities
        table = form.payoffs if form.exact is None else form.exact
        ends = [int(end) for end in form.terminals]
        self.payoffs = {end: tuple(Fraction(value) for value in table[end]) for end in ends}
        self.slack: list[Fraction] = [
            Fraction(self.certificate.tolerance) * (max(column) - min(column))
            for column in zip(*self.payoffs.values(), strict=True)
        ]
        self.worth = self._worth()
        self.stages = _stages_of(form)

    def _worth(self) -> list[tuple[Fraction, ...]]:
        """Return everybody's expected payoff at every node."""
        worth: list[tuple[Fraction, ...]] = [()] * self.form.num_nodes
        for node in reversed(range(self.form.num_nodes)):
            following = self.form.children[node]
            worth[node] = (
                tuple(
                    sum((p * worth[child][player] for child, p in self._steps(node)), Fraction(0))
                    for player in range(self.form.num_players)
                )
                if following
                else self.payoffs[node]
            )
        return worth

    def _steps(self, node: int) -> list[tuple[int, Fraction]]:
        odds: Iterable[float | Fraction] = (
            self.lotteries[node]
            if self.form.owner[node] == CHANCE
            else self.odds[int(self.form.information_set[node])]
        )
        following = self.form.children[node]
        return [(child, Fraction(p)) for child, p in zip(following, odds, strict=True) if p]

    # --- beliefs ---------------------------------------------------------------------------

    def beliefs(self) -> tuple[Belief, ...]:
        found: dict[int, Belief] = {}
        for root, sets, stage in self.stages:
            if stage is not None:
                for question in self._questions(stage):
                    known = question.reading.information_set
                    if len(self.form.information_sets[known].nodes) > 1:
                        with suppress(_TooMany):
                            found[known] = self._belief(question)
            reached = self._reached(root)
            for known in sets:
                nodes = self.form.information_sets[known].nodes
                weights = [reached.get(node, Fraction(0)) for node in nodes]
                if len(nodes) > 1 and known not in found and (total := sum(weights)):
                    bayes = tuple(weight / total for weight in weights)
                    found[known] = self._made(known, [(node,) for node in nodes], True, [bayes])
        return tuple(found[known] for known in sorted(found))

    def _belief(self, question: _Question) -> Belief:
        reading = question.reading
        known = reading.information_set
        places = [tuple(node for node, _ in nodes) for nodes in reading.nodes]
        if total := sum(question.reached):
            bayes = tuple(weight / total for weight in question.reached)
            return self._made(known, places, True, [bayes])
        slack = self.slack[question.stage.receiver]
        return self._made(known, places, False, question.beliefs(self._support(known), slack))

    def _made(
        self,
        known: int,
        places: Sequence[tuple[int, ...]],
        reached: bool,
        extreme: Sequence[tuple[Fraction, ...]],
    ) -> Belief:
        about = self.form.information_sets[known]
        return Belief(
            self.form.players[about.player],
            about.label,
            self._names(places),
            reached,
            tuple(sorted(extreme)),
        )

    def _support(self, known: int) -> list[int]:
        return [reply for reply, p in enumerate(self.odds[known]) if p]

    def _names(self, places: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
        """Return per place what happened before its nodes, without what all places share."""
        histories = [
            [set(enumerate(self.form.history(node))) for node in nodes] for nodes in places
        ]
        shared = set.intersection(*(history for of_place in histories for history in of_place))
        told = [sorted(set.intersection(*of_place) - shared) for of_place in histories]
        return tuple(
            " then ".join(label for _, label in labels) or f"node {nodes[0]}"
            for labels, nodes in zip(told, places, strict=True)
        )

    def _reached(self, root: int) -> dict[int, Fraction]:
        """Return the probabilities of the nodes that play reaches from a root."""
        reached = {root: Fraction(1)}
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if self.form.children[node]:
                for child, p in self._steps(node):
                    reached[child] = reached[node] * p
                    waiting.append(child)
        return reached

    def _questions(self, stage: SignalingStage) -> list[_Question]:
        """Return a stage's readings with what the sender's types and the receiver get there."""
        prior = dict(zip(stage.types, stage.weights, strict=True))
        ways: dict[Source, Weighted] = {
            source: nodes
            for reading in stage.readings
            for source, nodes in zip(reading.sources, reading.nodes, strict=True)
        }
        kept = {
            known: sum(
                (
                    p
                    * self._sum(
                        (*ways.get((known, k), ()), *stage.elsewhere.get((known, k), ())),
                        stage.sender,
                    )
                    for k, p in enumerate(self.odds[known])
                ),
                Fraction(0),
            )
            for known in stage.types
        }
        return [
            _Question(
                stage,
                reading,
                reached=tuple(
                    self.odds[known][k] * sum(weight for _, weight in nodes)
                    for (known, k), nodes in zip(reading.sources, reading.nodes, strict=True)
                ),
                worth=tuple(
                    tuple(
                        self._sum(after, stage.receiver) / sum(weight for _, weight in after)
                        for after in self._after(reading, nodes)
                    )
                    for nodes in reading.nodes
                ),
                gains=tuple(
                    tuple(
                        (
                            self._sum((*after, *stage.elsewhere.get((known, k), ())), stage.sender)
                            - kept[known]
                        )
                        / prior[known]
                        for after in self._after(reading, nodes)
                    )
                    for (known, k), nodes in zip(reading.sources, reading.nodes, strict=True)
                ),
            )
            for reading in stage.readings
        ]

    def _after(self, reading: Reading, nodes: Weighted) -> list[Weighted]:
        """Return, per reply, where it leads from some nodes of a reading."""
        return [
            tuple((self.form.children[node][reply], weight) for node, weight in nodes)
            for reply in range(len(self.odds[reading.information_set]))
        ]

    def _sum(self, nodes: Weighted, player: int) -> Fraction:
        return sum((weight * self.worth[node][player] for node, weight in nodes), Fraction(0))

    # --- refinements -----------------------------------------------------------------------

    def refinements(self) -> tuple[Refinement, ...]:
        try:
            sequential = self._sequential()
        except _TooMany:
            return (Refinement("sequential", None, _TOO_MANY),)
        signaling = [stage for _, _, stage in self.stages if stage and len(stage.types) > 1]
        if not sequential.holds or not signaling:
            return (sequential,)
        open_readings = [
            question
            for stage in signaling
            for question in self._questions(stage)
            if not any(question.reached)
        ]
        return (
            sequential,
            self._criterion("intuitive criterion", self._intuitive, open_readings),
            self._criterion("D1", self._d1, open_readings),
            self._criterion("D2", self._d2, open_readings),
        )

    def _sequential(self) -> Refinement:
        name = "sequential"
        if not self.certificate.holds:
            return Refinement(name, False, "it is no equilibrium")
        if self.certificate.refinement not in _RATIONAL:
            return Refinement(name, False, self.certificate.checks[0])
        free = 0
        for root, sets, stage in self.stages:
            if stage is None:
                reached = self._reached(root)
                missed = [
                    about
                    for about in (self.form.information_sets[known] for known in sets)
                    if not any(reached.get(node) for node in about.nodes)
                ]
                if missed and self.certificate.refinement == _RATIONAL[0]:
                    # The judge of the profile says why it is no more than that.
                    why = self.certificate.checks[-1]
                    return Refinement(name, None if "left open" in why else False, why)
                free += len(missed)
                for about in missed:
                    if len(about.nodes) > 1:
                        return Refinement(
                            name,
                            None,
                            f"beliefs at {about.label!r}, which play does not reach, would have "
                            "to fit with those elsewhere, which was not examined",
                        )
                continue
            for question in self._questions(stage):
                if any(question.reached):
                    continue
                free += 1
                if not self._belief(question).extreme:
                    label = self.form.information_sets[question.reading.information_set].label
                    return Refinement(name, False, f"no belief supports the reply at {label!r}")
        return Refinement(
            name,
            True,
            "play reaches every information set inside its subgame"
            if not free
            else "where play does not reach, beliefs that are limits of Bayes' rule support the "
            "replies",
        )

    def _criterion(
        self,
        name: str,
        fails: Callable[[_Question], str | None],
        readings: Sequence[_Question],
    ) -> Refinement:
        if not readings:
            return Refinement(name, True, "every message that is answered is sent")
        for question in readings:
            types = [known for known, _ in question.reading.sources]
            label = self.form.information_sets[question.reading.information_set].label
            if len(set(types)) < len(types):
                reason = f"at {label!r} the receiver cannot tell two messages of one type apart"
                return Refinement(name, None, reason)
            try:
                why = fails(question)
            except _TooMany:
                return Refinement(name, None, _TOO_MANY)
            if why:
                return Refinement(name, False, f"at {label!r}, {why}")
        return Refinement(
            name, True, "beliefs that it allows deter from every message that is not sent"
        )

    def _intuitive(self, question: _Question) -> str | None:
        """Return why the equilibrium fails at a reading that is not reached, or None."""
        slack = self.slack[question.stage.sender]
        replies = self._used(question, range(len(question.gains)))
        left = [
            source
            for source, gains in enumerate(question.gains)
            if max(gains[reply] for reply in replies) >= -slack
        ]
        if not left:
            return None
        replies = self._used(question, left)
        for source in left:
            least = min(question.gains[source][reply] for reply in replies)
            if least > slack:
                out = [k for k in range(len(question.gains)) if k not in left]
                names = self._words(question, out)
                return (
                    f"{names} would lose by the message whatever the reply; once this is "
                    f"understood, {self._words(question, [source])} gains at least "
                    f"{float(least):.4g} by it"
                )
        return None

    def _d1(self, question: _Question) -> str | None:
        """Return why the equilibrium fails at a reading that is not reached, or None."""
        sources = range(len(question.gains))
        return self._fails(
            question,
            lambda source: any(
                self._covered(question, source, [other]) for other in sources if other != source
            ),
        )

    def _d2(self, question: _Question) -> str | None:
        """Return why the equilibrium fails at a reading that is not reached, or None."""
        sources = range(len(question.gains))
        return self._fails(
            question,
            lambda source: self._covered(question, source, [k for k in sources if k != source]),
        )

    def _covered(self, question: _Question, source: int, others: Sequence[int]) -> bool:
        """Return whether one of the others gains from each reply that costs a type nothing."""
        slack = self.slack[question.stage.sender]
        sets = self._best(question, range(len(question.gains)))
        tempted = any(
            question.gains[other][reply] > slack
            for other in others
            for one in sets
            for reply in one
        )
        rows = [
            [gain + slack for gain in question.gains[source]],
            *([slack - gain for gain in question.gains[other]] for other in others),
        ]
        return tempted and not any(_some_mixture(one, rows) for one in sets)

    def _fails(self, question: _Question, is_out: Callable[[int], bool]) -> str | None:
        """Return why no reply deters that is best against types that are not ruled out."""
        slack = self.slack[question.stage.sender]
        sources = range(len(question.gains))
        out = [source for source in sources if is_out(source)]
        left = [source for source in sources if source not in out]
        deterring = [[slack - gain for gain in gains] for gains in question.gains]
        if any(_some_mixture(one, deterring) for one in self._best(question, left)):
            return None
        if not out:
            return "no reply that is best against some belief deters all types"
        return (
            f"{self._words(question, left)} would send the message for more replies than "
            f"{self._words(question, out)}; no reply that is best against the former alone deters"
        )

    def _best(self, question: _Question, sources: Sequence[int]) -> list[frozenset[int]]:
        return question.best_replies(sources, self.slack[question.stage.receiver])

    def _used(self, question: _Question, sources: Sequence[int]) -> list[int]:
        return sorted(frozenset[int]().union(*self._best(question, sources)))

    def _words(self, question: _Question, sources: Iterable[int]) -> str:
        names = self._names([tuple(node for node, _ in nodes) for nodes in question.reading.nodes])
        return " and ".join(repr(names[source]) for source in sources)


def _some_mixture(replies: Iterable[int], rows: Sequence[Sequence[Fraction]]) -> bool:
    """Return whether some mixture over these replies makes all the rows nonnegative."""
    columns = sorted(replies)
    return bool(_extreme_points(len(columns), [[row[k] for k in columns] for row in rows]))


def _extreme_points(size: int, rows: Iterable[Sequence[Fraction]]) -> list[tuple[Fraction, ...]]:
    """Return the extreme points of the probability vectors that make all the rows nonnegative."""
    found = []
    for ray in _extreme_rays(size, rows):
        total = sum(ray)
        found.append(tuple(part / total for part in ray))
    return found


def _extreme_rays(size: int, rows: Iterable[Sequence[Fraction]]) -> list[tuple[Fraction, ...]]:
    """Return the extreme rays of the nonnegative vectors that make all the rows nonnegative.

    The double description method: halfspace by halfspace, rays outside are replaced by where
    edges to adjacent rays inside cut the plane. Two rays are adjacent if no third one lies in
    all the planes in which both lie.
    """
    rays = [
        (
            tuple(Fraction(k == j) for k in range(size)),
            frozenset(k for k in range(size) if k != j),
        )
        for j in range(size)
    ]
    for number, row in enumerate(rows, size):
        values = [sum(a * b for a, b in zip(row, ray, strict=True) if b) for ray, _ in rays]
        kept = [
            (ray, planes | {number} if not value else planes)
            for (ray, planes), value in zip(rays, values, strict=True)
            if value >= 0
        ]
        inside = [k for k, value in enumerate(values) if value > 0]
        outside = [k for k, value in enumerate(values) if value < 0]
        for i in inside:
            for o in outside:
                shared = rays[i][1] & rays[o][1]
                if any(shared <= planes for k, (_, planes) in enumerate(rays) if k not in (i, o)):
                    continue
                point = [
                    values[i] * b - values[o] * a
                    for a, b in zip(rays[i][0], rays[o][0], strict=True)
                ]
                total = sum(point)
                kept.append((tuple(part / total for part in point), shared | {number}))
                if len(kept) > limits.MAX_RAYS:
                    raise _TooMany
        rays = kept
    return [ray for ray, _ in rays]
