"""The answers of ``highfence solve --concept``: which options belong to which concept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import NotApplicable, RequestError, did_you_mean
from .numbers import number_in, numbers_in

if TYPE_CHECKING:
    from ..forms.extensive import ExtensiveForm
    from ..forms.normal import NormalForm

__all__ = ["CONCEPTS", "Asked", "answers", "form_for"]

OPTIONS = {
    "correlated": ("objective",),
    "coarse_correlated": ("objective",),
    "stackelberg": ("player", "pessimistic", "types"),
    "logit": ("precision", "counts"),
    "agent_logit": ("precision",),
    "bargaining": ("disagreement",),
    "kalai_smorodinsky": ("disagreement",),
    "dominance": ("weak", "pure"),
}
"""Concept -> its own options."""

CONCEPTS = ("nash", *OPTIONS)


@dataclass(frozen=True)
class Asked:
    """A concept and its options as they were given; what was not given is None or False."""

    concept: str
    objective: str | None = None
    player: str | None = None
    pessimistic: bool = False
    types: str | None = None
    precision: str | None = None
    counts: str | None = None
    disagreement: str | None = None
    weak: bool = False
    pure: bool = False
    form_of_regime: Callable[[str], Any] | None = field(default=None, repr=False)
    """The game under a regime, for the types of a follower."""

    def check(self) -> None:
        """Refuse an unknown concept, and options of another one.

        Raises
        ------
        RequestError
            The message names the options that belong to the concept.
        """
        if self.concept not in CONCEPTS:
            raise RequestError(
                f"unknown concept {self.concept!r}. {did_you_mean(self.concept, CONCEPTS)}"
            )
        own = OPTIONS.get(self.concept, ())
        for name in dict.fromkeys(name for names in OPTIONS.values() for name in names):
            if getattr(self, name) and name not in own:
                of = [concept for concept, names in OPTIONS.items() if name in names]
                raise RequestError(
                    f"--{name} does not belong to --concept {self.concept}, but to "
                    f"{' and '.join(of)}. "
                    + (f"Its own: {', '.join(f'--{k}' for k in own)}" if own else "Leave it out")
                )


def form_for(form: Any, concept: str) -> tuple[NormalForm | ExtensiveForm, tuple[str, ...]]:
    """Return a game in the form that a concept takes, and what to say about how it was made.

    Raises
    ------
    NotApplicable
        The game has no such form.
    """
    from ..forms.extensive import ExtensiveForm
    from ..forms.normal import NormalForm
    from ..forms.reduce import reduced_strategic_form

    if concept == "agent_logit":
        if isinstance(form, ExtensiveForm):
            return form, ()
        raise NotApplicable(
            "--concept agent_logit takes trees, games of several stages, and this is none. "
            "--concept logit takes games of one stage"
        )
    if isinstance(form, NormalForm):
        return form, ()
    if isinstance(form, ExtensiveForm):
        if not reduced_strategic_form.accepts(form):
            raise NotApplicable(
                f"--concept {concept} takes trees with perfect recall only, and a player of "
                "this one forgets"
            )
        note = (
            "of the reduced strategic form of the tree: a strategy is a plan for the whole game, "
            "chosen before it begins"
        )
        return reduced_strategic_form.apply(form).form, (note,)
    what = {"StagedForm": "decisions over intervals", "MarkovForm": "states and no end of stages"}
    raise NotApplicable(
        f"--concept {concept} takes finite games, and this one has "
        f"{what.get(type(form).__name__, 'no strategic form')}. Give its decisions a list of "
        "actions, or solve it for its equilibria (--concept nash)"
    )


def answers(form: Any, asked: Asked) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the answers to what was asked, each certified, and notes.

    ``form`` is one that :func:`form_for` gives for the concept.

    Raises
    ------
    RequestError
        An option is missing or wrong, or the concept does not apply.
    """
    from .. import concepts as c

    if asked.concept in ("correlated", "coarse_correlated"):
        objective = asked.objective or "welfare"
        return c.correlated_range(form, objective, coarse=asked.concept == "coarse_correlated"), ()
    if asked.concept == "stackelberg":
        return _commitment(form, asked)
    if asked.concept == "logit":
        return _logit(form, asked), ()
    if asked.concept == "agent_logit":
        return tuple(c.agent_logit_equilibrium(form, x) for x in _precisions(asked)), ()
    if asked.concept == "dominance":
        return (c.eliminate_dominated(form, weak=asked.weak, mixtures=not asked.pure),), ()
    return _bargain(form, asked)


def _commitment(form: NormalForm, asked: Asked) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    from ..concepts import commitment
    from ..forms.reduce import without_idle

    def of_two(game: NormalForm) -> NormalForm:
        smaller = without_idle(game)
        two = game if smaller is None else smaller[0]
        if two.num_players != 2:
            raise NotApplicable(
                "--concept stackelberg is a leader against one follower, and "
                f"{game.num_players} players have a choice here. Fix decisions by a regime"
            )
        return two

    games, weights, odds = [of_two(form)], None, dict[str, float]()
    if asked.types is not None:
        if asked.form_of_regime is None:
            raise RequestError("--types: this game has no regimes to be the follower's types")
        odds = _pairs(asked.types, "types")
        games = [of_two(asked.form_of_regime(regime)) for regime in odds]
        weights = list(odds.values())
        for regime, game in zip(odds, games, strict=True):
            if game.players != games[0].players:
                raise RequestError(
                    f"--types: under {regime} {' and '.join(game.players)} have a choice, and "
                    f"under {next(iter(odds))} {' and '.join(games[0].players)}. The types are "
                    "of one follower"
                )
    leader = asked.player or games[0].players[0]
    if leader in form.players and leader not in games[0].players:
        raise RequestError(
            f"--player {leader} has nothing to decide here, and cannot lead. "
            f"Name {' or '.join(games[0].players)}"
        )
    notes = () if asked.player else (f"{leader} leads, as the first; --player names another",)
    if asked.types is not None:
        named = ", ".join(
            f"type {k} is {name} ({p:g})" for k, (name, p) in enumerate(odds.items(), 1)
        )
        notes = (*notes, f"of the follower, {named}")
    found = commitment(games, leader, weights=weights, pessimistic=asked.pessimistic)
    return (found,), notes


def _logit(form: NormalForm, asked: Asked) -> tuple[Any, ...]:
    from ..concepts import fit_precision, logit_equilibrium

    if (asked.precision is None) == (asked.counts is None):
        raise RequestError(
            "--concept logit wants --precision X (in units of one over payoff; 0 is uniform play), "
            "or --counts FILE.csv to fit it to observed play"
        )
    if asked.counts is not None:
        return (fit_precision(form, _counts(form, asked.counts)),)
    return tuple(logit_equilibrium(form, precision) for precision in _precisions(asked))


def _precisions(asked: Asked) -> list[float]:
    if asked.precision is None:
        raise RequestError(
            f"--concept {asked.concept} wants --precision X, in units of one over payoff; "
            "0 is uniform play"
        )
    return numbers_in("--precision", asked.precision)


def _counts(form: NormalForm, path: str) -> list[list[float]]:
    """Return the counts of a CSV file with the columns player, strategy and count."""
    import csv

    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise RequestError(
            f"--counts {path}: there is no such file. Name a CSV file with the columns player, "
            "strategy and count"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise RequestError(
            f"--counts {path}: the file cannot be read ({reason}). Name a CSV file in UTF-8"
        ) from None
    wanted = {"player", "strategy", "count"}
    if not rows or not wanted <= set(rows[0]):
        raise RequestError(f"--counts {path}: the columns are player, strategy and count")
    made = [[0.0] * count for count in form.num_strategies]
    for line, row in enumerate(rows, 2):
        place = f"--counts {path}, line {line}"
        if row["player"] not in form.players:
            hint = did_you_mean(row["player"] or "", form.players)
            raise RequestError(f"{place}: no player {row['player']!r}. {hint}")
        player = form.players.index(row["player"])
        labels = form.strategies[player]
        if row["strategy"] not in labels:
            hint = did_you_mean(row["strategy"] or "", labels)
            raise RequestError(f"{place}: no strategy {row['strategy']!r}. {hint}")
        count = number_in(place, row["count"] or "", "the count")
        if count < 0:
            raise RequestError(f"{place}: a count of {row['count']} is below 0")
        made[player][labels.index(row["strategy"])] += count
    return made


def _bargain(form: NormalForm, asked: Asked) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    from ..concepts import nash_bargaining

    notes: tuple[str, ...] = ()
    if asked.disagreement is not None:
        disagreement = _pairs(asked.disagreement, "disagreement")
    else:
        from ..methods.repeated import minmax

        mixed = form.num_players == 2
        disagreement = {
            player: float(minmax(form, k, mixed=mixed)) for k, player in enumerate(form.players)
        }
        how = "mixed" if mixed else "pure"
        notes = (
            f"without agreement each player gets their {how} minmax; "
            "--disagreement NAME=VALUE,... says otherwise",
        )
    solution = "nash" if asked.concept == "bargaining" else asked.concept
    return (nash_bargaining(form, disagreement, solution=solution),), notes


def _pairs(text: str, option: str) -> dict[str, float]:
    """Return NAME=NUMBER,... as a mapping."""
    made: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise RequestError(
                f"--{option} {text}: {part.strip()!r} is not NAME=NUMBER. Write --{option} A=1,B=2"
            )
        if name in made:
            raise RequestError(f"--{option} {text}: {name} is given twice. Give one number")
        made[name] = number_in(f"--{option} {text}", value, f"the number of {name}")
    return made
