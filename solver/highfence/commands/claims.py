"""``highfence claims``: what the games say about what is claimed, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import Interrupted
from .draws import FORCE, OUT, Output
from .exit_codes import PART, SOLVED
from .output import progress
from .requests import AS_JSON, EVERYTHING, command


@command(
    "claims",
    click.option(
        "--claim",
        "names",
        multiple=True,
        metavar="NAME",
        help="This one in full, or all like 'cf*' (repeatable); all by default.",
    ),
    click.option(
        "--quick", is_flag=True, help="Look for no boundaries: seconds instead of minutes."
    ),
    click.option(
        "--file", metavar="FILE", help="Claims of your own (TOML); the catalogue's by default."
    ),
    EVERYTHING,
    AS_JSON,
    click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per claim."),
    OUT,
    FORCE,
)
def claims(
    names: Sequence[str],
    quick: bool,
    file: str | None,
    everything: bool,
    as_json: bool,
    as_csv: bool,
    out: str | None,
    force: bool,
) -> int:
    """Say of every claim whether it holds, where it stops, and what was measured.

    Each verdict is solved for: nothing is stored but what is claimed. Under each stand the
    commands that reproduce it.
    """
    output = Output(as_json, as_csv, out, force)
    interrupted = None
    with progress() as tell:
        from ..study.claims import Ruling, judge_claims

        try:
            found = judge_claims(list(names) or None, file=file, quick=quick, tell=tell)
        except Interrupted as stop:
            interrupted, found = stop, stop.done
    from ..report.claims_text import claims_csv, claims_dict, claims_page

    output.put(
        lambda: claims_page(found, everything=everything or bool(names)),
        lambda: claims_csv(found),
        lambda: claims_dict(found),
    )
    if interrupted is not None:
        raise interrupted
    unsolved = any(verdict.ruling is Ruling.UNSOLVED for verdict in found)
    return PART if unsolved else SOLVED
