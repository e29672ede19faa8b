"""``highfence robust``: which regime to choose when nobody knows the numbers.

``--json`` prints what :meth:`highfence.study.robust.RobustChoice.to_dict` documents.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from .draws import Drawing, Output, drawing_options, numbers_given, output_options, told
from .exit_codes import PART, SOLVED
from .output import progress
from .requests import ASKED, EVERYTHING, GAME, START, Start, command, load_game


@command(
    "robust",
    GAME,
    ASKED,
    click.option("--player", metavar="P", help="Judge by this player's payoff."),
    click.option(
        "--equilibria",
        "rule",
        type=click.Choice(["worst", "best", "mid"]),
        default="worst",
        show_default=True,
        help="Which payoff counts where there are several equilibria.",
    ),
    click.option(
        "--beliefs",
        "radii",
        multiple=True,
        metavar="KIND=RADIUS",
        help="A set of beliefs around the draws, kl, chi2 or wasserstein (repeatable).",
    ),
    click.option(
        "--information",
        type=click.Choice(["regression", "bins", "none"]),
        default="regression",
        show_default=True,
        help="How the value of information is estimated.",
    ),
    START,
    drawing_options(500, "Number of draws."),
    EVERYTHING,
    output_options("regime"),
)
def robust(
    game: str,
    asked: Sequence[str] | None,
    player: str | None,
    rule: str,
    radii: Sequence[str],
    information: str,
    start: Start,
    drawing: Drawing,
    everything: bool,
    output: Output,
) -> int:
    """Say which regime to choose when nobody knows the numbers.

    Solves the regimes at many draws and applies what is used under deep uncertainty: expected
    payoff, maximin, minimax regret (also of mixtures), the worst belief near the draws, who
    wins how often, dominance, and what it is worth to learn a parameter first.
    """
    beliefs = numbers_given("--beliefs", radii, "KIND=RADIUS", "kl=0.1")
    with progress() as tell:
        from ..study.outcome import game_with_regimes
        from ..study.robust import RADII, choose
        from ..study.robust import robust as study

        loaded = game_with_regimes(load_game(game))
        how = None if information == "none" else information
        tell(f"reading the draws of {game}")
        kept = drawing.kept(loaded, start)
        if kept is not None:
            from ..forms.build import values
            from ..study.outcome import judging_player
            from ..study.robust import payoffs_of

            among = kept.regimes if asked is None else asked
            judge = judging_player(loaded, among, player)
            found = choose(
                loaded, payoffs_of(kept.answers, judge, kept.inputs, among), judge, rule=rule,
                beliefs=beliefs or RADII, information=how, rng=drawing.rng, preset=kept.preset,
                parameters=values(loaded, preset=kept.preset, parameters=kept.settings),
                changed=tuple(kept.settings), step=tell,
            )  # fmt: skip
        else:
            given = start.values(loaded)
            draws = drawing.draws(loaded, start.preset, given)
            found = study(
                loaded, draws, asked, player=player, rule=rule, beliefs=beliefs or RADII,
                information=how, rng=drawing.rng, preset=start.preset, workers=drawing.workers,
                progress=told(tell, f"solving {game}", workers=drawing.workers), step=tell,
                parameters=given,
            )  # fmt: skip
    from ..report.robust_text import robust_csv, robust_page

    output.put(
        lambda: robust_page(found, everything=everything),
        lambda: robust_csv(found),
        found.to_dict,
    )
    return SOLVED if found.used == found.draws else PART
