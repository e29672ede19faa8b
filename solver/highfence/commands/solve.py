"""``highfence solve``: equilibria, each with its certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from .. import limits
from ..errors import RequestError
from .concepts import CONCEPTS, Asked, answers, form_for
from .exit_codes import NOTHING, PART, SOLVED
from .output import print_json, print_page, progress
from .requests import (
    AS_CSV,
    AS_JSON,
    EVERYTHING,
    GAME,
    METHOD,
    REGIME,
    START,
    Group,
    Start,
    command,
    form_of,
    labels_of,
    load_game,
    one_format,
    source_of,
)

if TYPE_CHECKING:
    from ..solution import Solution


ASKED = Group(
    "asked",
    {
        "concept": click.option(
            "--concept",
            default="nash",
            show_default=True,
            metavar="C",
            help=f"What to answer: {', '.join(CONCEPTS)}.",
        ),
        "objective": click.option(
            "--objective",
            metavar="O",
            help="Correlated: what is least and largest; welfare, a player or an outcome.",
        ),
        "player": click.option("--player", metavar="P", help="Stackelberg: who leads."),
        "pessimistic": click.option(
            "--pessimistic", is_flag=True, help="Stackelberg: indifference harms the leader."
        ),
        "types": click.option(
            "--types",
            metavar="R=P,...",
            help="Stackelberg: the follower's types, as regimes with probabilities.",
        ),
        "precision": click.option(
            "--precision", metavar="X,...", help="Logit: in units of one over payoff."
        ),
        "counts": click.option(
            "--counts", metavar="FILE.csv", help="Logit: fit to counts (player,strategy,count)."
        ),
        "disagreement": click.option(
            "--disagreement",
            metavar="NAME=VALUE,...",
            help="Bargaining: payoffs without agreement; the minmax by default.",
        ),
        "weak": click.option("--weak", is_flag=True, help="Dominance: weak dominance too."),
        "pure": click.option("--pure", is_flag=True, help="Dominance: not by mixtures."),
    },
    Asked,
)


REFINE = click.option(
    "--refine",
    "refined",
    is_flag=True,
    help="Judge beliefs, refinements and the index of each equilibrium.",
)


LIMIT = click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="List up to N equilibria one by one, where else one is listed for each outcome of play.",
)


@command("solve", GAME, REGIME, START, METHOD, LIMIT, REFINE, ASKED, EVERYTHING, AS_JSON, AS_CSV)
def solve(
    game: str,
    regime: str | None,
    start: Start,
    method: str,
    limit: int | None,
    refined: bool,
    asked: Asked,
    everything: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Find equilibria, each with its certificate.

    With --concept, another answer: what a mediator can bring about, the best commitment of a
    leader, play of those who err, a bargain, or what is left without dominated strategies.
    """
    one_format(as_json, as_csv)
    asked.check()
    if asked.concept != "nash" and (method != "auto" or as_csv):
        raise RequestError(
            f"{'--csv' if as_csv else '--method'} is for equilibria. "
            f"Leave it out with --concept {asked.concept}"
        )
    if refined and (asked.concept != "nash" or as_csv):
        raise RequestError(
            "--refine judges equilibria, on the page and in JSON. "
            f"Leave it out with {'--csv' if as_csv else f'--concept {asked.concept}'}"
        )
    if limit is not None and asked.concept != "nash":
        raise RequestError(
            f"--limit is for equilibria. Leave it out with --concept {asked.concept}"
        )
    if limit is not None and limit > limits.MAX_EQUILIBRIA:
        click.echo(
            f"highfence: note: --limit {limit} is used in place of MAX_EQUILIBRIA = "
            f"{limits.MAX_EQUILIBRIA}, which guards memory and time",
            err=True,
        )
    loaded = load_game(game)
    preset, values = start.preset, start.values(loaded)
    if asked.concept != "nash":
        return _concept(game, loaded, regime, preset, values, asked, everything, as_json)
    with progress() as tell:
        from ..solve import solve as solve_game

        tell(f"solving {game}")
        solution = solve_game(loaded, method, regime=regime, preset=preset, limit=limit, **values)
        if refined and solution.equilibria:
            from ..refinements import refine

            tell(f"refining {len(solution.equilibria)} equilibria of {game}")
            solution = refine(loaded, solution)
    if solution.source == "python":
        solution = replace(solution, source=source_of(game))
    if as_json:
        from ..report.json import solution_dict

        print_json(solution_dict(solution))
    elif as_csv:
        from ..report.csv import solution_csv

        click.echo(solution_csv(solution), nl=False)
    else:
        from ..report.text import solution_page

        print_page(
            solution_page(
                solution, everything=everything, players=labels_of(loaded), settings=tuple(values)
            )
        )
    return _exit_code(solution)


def _concept(
    game: str,
    loaded: Any,
    regime: str | None,
    preset: str | None,
    values: Mapping[str, Any],
    asked: Asked,
    everything: bool,
    as_json: bool,
) -> int:
    """Answer another question than which Nash equilibria there are."""
    from ..report.concepts_text import Concepts, concepts_dict, concepts_page
    from ..spec.model import Game

    form, notes = form_for(form_of(loaded, regime, preset, values), asked.concept)
    used: dict[str, Any] = dict(values)
    if isinstance(loaded, Game):
        from ..forms.build import values as all_values

        used = dict(all_values(loaded, regime=regime, preset=preset, parameters=values))
        asked = replace(
            asked,
            form_of_regime=lambda name: form_for(
                form_of(loaded, name, preset, values), asked.concept
            )[0],
        )
    with progress() as tell:
        tell(f"{asked.concept} of {game}")
        found, more = answers(form, asked)
    given = Concepts(
        game=getattr(loaded, "name", None) or form.title or "untitled",
        source=source_of(game),
        concept=asked.concept,
        form=form,
        answers=found,
        regime=regime,
        preset=preset,
        parameters=used,
        settings=tuple(values),
        notes=(*notes, *more),
    )
    if as_json:
        print_json(concepts_dict(given))
    else:
        print_page(concepts_page(given, everything))
    return SOLVED if given.holds else NOTHING


def _exit_code(solution: Solution) -> int:
    return {"solved": SOLVED, "partial": PART}.get(solution.status.value, NOTHING)
