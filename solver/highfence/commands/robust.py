"""``highfence robust``: which regime to choose when nobody knows the numbers.

``--json`` prints what :meth:`highfence.study.robust.RobustChoice.to_dict` documents.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from .draws import (
    DESCRIBED,
    STORE,
    WORKERS,
    Described,
    Output,
    draws_option,
    numbers_given,
    output_options,
    refuse_with_store,
    stored_sweep,
    told,
)
from .exit_codes import PART, SOLVED
from .output import progress
from .requests import (
    EVERYTHING,
    GAME,
    PRESET,
    REGIMES,
    RNG,
    SETTINGS,
    command,
    load_game,
    pairs_of,
    regime_names,
    values_of,
)


@command(
    "robust",
    GAME,
    REGIMES,
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
    PRESET,
    SETTINGS,
    draws_option(500, "Number of draws."),
    DESCRIBED,
    RNG,
    WORKERS,
    STORE,
    EVERYTHING,
    output_options("regime"),
)
def robust(
    game: str,
    regimes: str | None,
    player: str | None,
    rule: str,
    radii: Sequence[str],
    information: str,
    preset: str | None,
    settings: Sequence[str],
    count: int,
    described: Described,
    rng: int,
    workers: int,
    store: str | None,
    everything: bool,
    output: Output,
) -> int:
    """Say which regime to choose when nobody knows the numbers.

    Solves the regimes at many draws and applies what is used under deep uncertainty: expected
    payoff, maximin, minimax regret (also of mixtures), the worst belief near the draws, who
    wins how often, dominance, and what it is worth to learn a parameter first.
    """
    pairs = pairs_of(settings)
    asked = regime_names(regimes)
    beliefs = numbers_given("--beliefs", radii, "KIND=RADIUS", "kl=0.1")
    with progress() as tell:
        from ..study.outcome import game_with_regimes
        from ..study.robust import RADII, choose, robust_regimes

        loaded = game_with_regimes(load_game(game))
        how = None if information == "none" else information
        if store is not None:
            refuse_with_store({"--preset": preset, "--set": settings, **described.options})
            from ..forms.build import values
            from ..study.outcome import judging_player
            from ..study.robust import payoffs_of

            kept = stored_sweep(loaded, store)
            among = kept.regimes if asked is None else asked
            judge = judging_player(loaded, among, player)
            found = choose(
                loaded, payoffs_of(kept.answers, judge, kept.inputs, among), judge, rule=rule,
                beliefs=beliefs or RADII, information=how, rng=rng, preset=kept.preset,
                parameters=values(loaded, preset=kept.preset, parameters=kept.settings),
                changed=tuple(kept.settings),
            )  # fmt: skip
        else:
            given = values_of(loaded, pairs)
            draws = described.draw(loaded, count, rng, preset=preset, parameters=given)
            found = robust_regimes(
                loaded, draws, asked, player=player, rule=rule, beliefs=beliefs or RADII,
                information=how, rng=rng, preset=preset, workers=workers,
                progress=told(tell, f"solving {game}"), parameters=given,
            )  # fmt: skip
    from ..report.robust_text import robust_csv, robust_page

    output.put(
        lambda: robust_page(found, everything=everything),
        lambda: robust_csv(found),
        found.to_dict,
    )
    return SOLVED if found.used == found.draws else PART
