"""Forms as the text of Gambit's game files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from ..errors import Problem, SpecError
from ._gambit_tokens import FORBIDDEN
from .extensive import CHANCE, ExtensiveForm, improper
from .normal import NormalForm

__all__ = ["format_efg", "format_nfg"]

_LARGEST_DENOMINATOR = 10**6
_BACKSLASHES = re.compile(r"\\+(?=(.)?)", re.DOTALL)


def format_nfg(form: NormalForm) -> str:
    r"""Return the ``.nfg`` text of a strategic form, payoff version, with named strategies.

    Exact payoffs are written as integers and ratios, floats as the shortest decimal that
    is that float. Reading the text gives the same players, strategies, title and payoffs.
    Outcome metrics have no place in the format and are left out.

    Raises
    ------
    SpecError
        A label has a control character or a mark that reorders text.

    Examples
    --------
    >>> game = NormalForm.from_payoffs([[["1/3"], [2]], [[0], [0.5]]], players=["A", "B"])
    >>> print(format_nfg(game))
    NFG 1 R "" { "A" "B" }
    { { "1" "2" } { "1" } }
    ""
    <BLANKLINE>
    0.3333333333333333 0.0
    2.0 0.5
    <BLANKLINE>
    """
    place = form.title or "game"
    lists = [_braced(labels, f"{place}: strategies") for labels in form.strategies]
    table = form.payoffs if form.exact is None else form.exact
    rows = table.transpose().reshape(-1, form.num_players)
    lines = [
        f"NFG 1 R {_quote(form.title, place, True)} {_braced(form.players, f'{place}: players')}",
        f"{{ {' '.join(lists)} }}",
        '""',
        "",
        *(" ".join(map(_written, row)) for row in rows.tolist()),
        "",
    ]
    return "\n".join(lines)


def format_efg(form: ExtensiveForm) -> str:
    """Return the ``.efg`` text of an extensive form, one node per line.

    Exact numbers are written as integers and ratios, floats as the shortest decimal that
    is that float. Reading the text gives the same tree, labels, information sets,
    probabilities and payoffs. Payoffs stand at terminals only, where those of the
    nonterminal nodes before are included. Outcome metrics and notes are left out.

    Raises
    ------
    SpecError
        A label has a control character or a mark that reorders text; or probabilities that
        are floats do not sum to one exactly as decimals (the format is exact, and
        probabilities are never rescaled).
    """
    place = form.title or "game"
    sets = _numbered(known.player for known in form.information_sets)
    payoffs = (form.payoffs if form.exact is None else form.exact).tolist()
    outcomes: dict[tuple[str, str], int] = {}
    described = [
        f"{_quote(known.label, place)} {_braced(known.actions, place)}"
        for known in form.information_sets
    ]
    lines = [
        f"EFG 2 R {_quote(form.title, place, True)} {_braced(form.players, place)}",
        '""',
        "",
    ]
    owners, members = form.owner.tolist(), form.information_set.tolist()
    events: dict[tuple[str, str], int] = {}
    # Newer Gambits want labels of nodes to be unique, so labels of terminals name outcomes, and
    # labels of lotteries name events.
    for node, following in enumerate(form.children):
        label = _quote(form.labels[node], place)
        if not following:
            values = ", ".join(map(_written, payoffs[node]))
            number = outcomes.setdefault((label, values), len(outcomes) + 1)
            lines.append(f't "" {number} {label} {{ {values} }}')
        elif owners[node] == CHANCE:
            lottery = _lottery(form, node)
            number = events.setdefault((label, lottery), len(events) + 1)
            lines.append(f'c "" {number} {label} {{ {lottery} }} 0')
        else:
            known = members[node]
            lines.append(f"p {label} {owners[node] + 1} {sets[known]} {described[known]} 0")
    lines.append("")
    return "\n".join(lines)


def _lottery(form: ExtensiveForm, node: int) -> str:
    exact = form.exact_probabilities
    numbers: Sequence[Any] = form.probabilities[node] if exact is None else exact[node]
    words = [_written(number) for number in numbers]
    if exact is None and sum(map(Fraction, words)) != 1:
        words = [str(ratio) for ratio in _ratios(form.probabilities[node])] or words
    if (wrong := improper([Fraction(word) for word in words], words)) is not None:
        raise SpecError(
            Problem(
                f"{form.title or 'game'}, {form.describe(node)}",
                f"{wrong[0]}; .efg files hold exact numbers",
                "Give the probabilities as fractions.",
            )
        )
    return " ".join(
        f"{_quote(label, form.title)} {word}"
        for label, word in zip(form.action_labels[node], words, strict=True)
    )


def _ratios(floats: Sequence[float]) -> list[Fraction]:
    """Return the fractions that floats stand for, as 1/3, if they sum to one; else nothing."""
    ratios = [Fraction(p).limit_denominator(_LARGEST_DENOMINATOR) for p in floats]
    same = all(float(ratio) == p for ratio, p in zip(ratios, floats, strict=True))
    return ratios if same and sum(ratios) == 1 else []


def _numbered(players: Iterator[int] | Sequence[int]) -> list[int]:
    """Return, per information set, its number among those of its player, from 1."""
    counts: dict[int, int] = {}
    numbers = []
    for player in players:
        counts[player] = counts.get(player, 0) + 1
        numbers.append(counts[player])
    return numbers


def _written(number: Fraction | float) -> str:
    return repr(number) if isinstance(number, float) else str(number)


def _quote(label: str, place: str, several_lines: bool = False) -> str:
    """Return a label in quotes; a lone backslash stays as it is, as Gambit writes it."""
    for match in FORBIDDEN.finditer(label):
        if not (several_lines and match[0] in "\n\t"):
            raise SpecError(
                Problem(
                    place,
                    f"label {label!a} has the character U+{ord(match[0]):04X}, "
                    "which game files may not hold",
                    "Remove it from the label.",
                )
            )

    def doubled(match: re.Match[str]) -> str:
        alone = len(match[0]) == 1 and match[1] not in (None, '"')
        return match[0] if alone else match[0] * 2

    text = _BACKSLASHES.sub(doubled, label) if "\\" in label else label
    return '"' + text.replace('"', '\\"') + '"'


def _braced(labels: Sequence[str], place: str) -> str:
    return "{ " + " ".join(_quote(label, place) for label in labels) + " }"
