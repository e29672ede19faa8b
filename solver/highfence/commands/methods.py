"""``highfence methods``: what can solve a game, and what each promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .exit_codes import SOLVED
from .output import print_json, print_page
from .requests import AS_JSON, command, form_of, load_game

if TYPE_CHECKING:
    from ..methods.registry import Concept, Method


@command("methods", click.argument("game", required=False), AS_JSON)
def methods(game: str | None, as_json: bool) -> int:
    """List the methods that solve games.

    With GAME, those for its form, whether they take it, and which one auto takes and why.
    Without, also the answers to other questions than Nash equilibria, and what solves many
    games at once. What each promises: all answers of its kind, some, or one.
    """
    from ..methods.registry import everything, for_form
    from ..report.methods_text import methods_page

    listed: tuple[Method | Concept, ...] = everything() if game is None else ()
    auto: tuple[str, str] | None = None
    taken: set[str] | None = None
    if game is not None:
        from ..solve import candidates, chosen_by_auto

        form = form_of(load_game(game))
        listed = for_form(type(form))
        taken = {one.method.name for one in candidates(form)}
        if taken:
            method, reason = chosen_by_auto(form)
            auto = (method.name, reason)
    rows = [_row(made, taken, auto) for made in listed]
    if as_json:
        print_json(rows)
    else:
        print_page(methods_page(rows, auto))
    return SOLVED


def _row(
    made: Method | Concept, taken: set[str] | None, auto: tuple[str, str] | None
) -> dict[str, Any]:
    from ..methods.registry import Method, form_name

    form, domain = None, made.takes
    if isinstance(made, Method):
        form, domain = form_name(made.form), made.domain
    return {
        "name": made.name,
        "kind": made.kind,
        "form": form,
        "domain": domain,
        "takes": made.takes,
        "finds": made.finds.value,
        "exact": made.exact,
        "source": made.source,
        "summary": made.summary,
        "use": made.use,
        "call": made.call,
        "accepts": None if taken is None else made.name in taken,
        "auto": auto[1] if auto is not None and auto[0] == made.name else None,
    }
