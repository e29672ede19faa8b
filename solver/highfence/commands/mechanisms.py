"""``highfence mechanisms``: which games carry which argument of the essays.

``--json`` prints what :meth:`highfence.study.mechanisms.MechanismTable.to_dict` documents.
"""

from __future__ import annotations

import click

from ..errors import RequestError
from .draws import told
from .exit_codes import NOTHING, SOLVED
from .output import print_json, print_page, progress
from .requests import (
    AS_JSON,
    START,
    Start,
    command,
    csv_option,
    load_game,
    names_given,
    one_format,
)

REGIME, BASELINE, OUTCOMES = "broad", "none", ("W_A", "K_H")
"""How effects are measured where nothing else is said."""


@command(
    "mechanisms",
    click.option(
        "--mechanism", "only", metavar="M41,...", help="Show these, with what the essays say."
    ),
    click.option(
        "--effects", is_flag=True, help="Measure what each does in the flagship (some seconds)."
    ),
    click.option(
        "--regime",
        metavar="R",
        help="With --effects: measure under this regime of the flagship (broad by default).",
    ),
    click.option(
        "--baseline",
        metavar="R",
        help="With --effects: the regime that it is compared with (none by default).",
    ),
    click.option(
        "--outcomes",
        metavar="A,B,...",
        help="With --effects: the outcomes that are measured (W_A,K_H by default).",
    ),
    START,
    AS_JSON,
    csv_option("mechanism and game"),
)
def mechanisms(
    only: str | None,
    effects: bool,
    regime: str | None,
    baseline: str | None,
    outcomes: str | None,
    start: Start,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Say which games carry which mechanism of the essays.

    Lists the mechanisms by number, with the games whose formulas contain each and the
    parameters that switch it off there. With --effects, also what the flagship's mechanisms
    do to its outcomes, measured by switching them off one at a time.
    """
    one_format(as_json, as_csv)
    if not effects:
        given = {"--regime": regime, "--baseline": baseline, "--outcomes": outcomes}
        for option, value in given.items():
            if value is not None:
                raise RequestError(
                    f"{option} says how effects are measured. Add --effects, or leave it out"
                )
    named = names_given("--outcomes", outcomes) or list(OUTCOMES)
    asked = names_given("--mechanism", only)
    with progress() as tell:
        from ..study.mechanisms import FLAGSHIP
        from ..study.mechanisms import mechanisms as table_of

        values = start.values(load_game(FLAGSHIP)) if start.pairs else {}
        found = table_of(
            asked, effects=effects, regime=regime or REGIME, baseline=baseline or BASELINE,
            outcomes=named, preset=start.preset,
            progress=told(tell, "solving the flagship"), **values,
        )  # fmt: skip
    if as_json:
        print_json(found.to_dict())
    elif as_csv:
        from ..report.mechanisms_text import mechanisms_csv

        click.echo(mechanisms_csv(found), nl=False)
    else:
        from ..report.mechanisms_text import mechanisms_page

        print_page(mechanisms_page(found))
    return NOTHING if not any(one.switches for one in found.arguments) else SOLVED
