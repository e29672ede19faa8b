"""``highfence methods``: what can solve a game, and what each promises."""

from __future__ import annotations

import click

from .exit_codes import SOLVED
from .output import print_json, print_page
from .requests import AS_JSON, command, form_name, form_of, load_game


@command("methods", click.argument("game", required=False), AS_JSON)
def methods(game: str | None, as_json: bool) -> int:
    """List the methods that solve games.

    With GAME, those for its form, and whether they take it. What each promises: all
    equilibria of its kind, some, or one.
    """
    from ..methods.registry import all_methods, for_form
    from ..report.text import methods_page

    form = None
    if game is not None:
        loaded = load_game(game)
        form = form_of(loaded)
    listed = all_methods() if form is None else for_form(type(form))
    rows = [
        {
            "name": made.name,
            "form": form_name(made.form),
            "domain": made.domain,
            "finds": made.finds.value,
            "exact": made.exact,
            "source": made.source,
            "summary": made.summary,
            "accepts": None if form is None else bool(made.accepts(form)),
        }
        for made in listed
    ]
    if as_json:
        print_json(rows)
    else:
        print_page(methods_page(rows))
    return SOLVED
