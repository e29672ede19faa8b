"""``highfence replications``: published answers beside ours."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import RequestError
from .exit_codes import PART, SOLVED
from .output import print_json, print_page, progress
from .requests import AS_JSON, command, one_format


@command(
    "replications",
    click.argument("games", nargs=-1),
    AS_JSON,
    click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per answer."),
    click.option("--markdown", is_flag=True, help="Print the table as Markdown."),
)
def replications(games: Sequence[str], as_json: bool, as_csv: bool, markdown: bool) -> int:
    """Set published answers beside ours.

    Solves the games that declare answers of the literature (all of the catalogue if none is
    named), and says by how much each answer differs.
    """
    one_format(as_json, as_csv)
    if markdown and (as_json or as_csv):
        raise RequestError("--markdown was given with another format. Choose one")
    with progress() as tell:
        from ..study.replications import replications as run

        found = run(games or None, tell=tell)
    if as_json:
        print_json([row.to_dict() for row in found])
    elif as_csv or markdown:
        from ..report.replications_text import replications_csv, replications_markdown

        click.echo(replications_csv(found) if as_csv else replications_markdown(found), nl=False)
    else:
        from ..report.replications_text import replications_page

        print_page(replications_page(found))
    return SOLVED if all(row.holds for row in found) else PART
