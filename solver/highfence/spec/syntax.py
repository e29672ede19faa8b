"""The text of a formula -> its syntax tree, checked for size and characters, never run."""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from functools import lru_cache
from typing import Any

from .. import limits
from ..errors import Problem

__all__ = ["HINTS", "parse"]

_NUMBER = re.compile(r"(?<![\w.])(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE]([+-]?\d+))?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_STRANGE = re.compile(r"[^\n\r\t -\"$-~]")  # anything but printable ASCII and blanks; and #
_BRACKET = re.compile(r"[()\[\]{}]")
HINTS: dict[type, str] = {
    ast.BitXor: "Powers are written **",
    ast.Mod: "A share is written 0.3, not 30%",
    ast.BitAnd: "Write 'and'",
    ast.BitOr: "Write 'or'",
    ast.FloorDiv: "Write / for division",
    ast.MatMult: "Write * for a product",
}


def parse(source: object, place: str, problems: list[Problem]) -> ast.expr | None:
    """Return the syntax tree of a formula, or None with the mistakes appended to ``problems``.

    The tree is shared between calls and must not be changed. Cost: linear in the length,
    which :data:`highfence.limits.MAX_FORMULA_LENGTH` bounds.
    """
    if not isinstance(source, str):
        problems.append(Problem(place, f"a formula is text, not {source!r}", "Quote it"))
        return None
    bounds = limits.MAX_FORMULA_LENGTH, limits.MAX_FORMULA_NESTING, limits.MAX_DIGITS
    made = _parsed(source, *bounds)
    if isinstance(made, ast.expr):
        return made
    reason, fix, column = made
    problems.append(Problem(place, reason, fix, None, column))
    return None


@lru_cache(maxsize=8192)
def _parsed(
    source: str, longest: int, deepest: int, digits: int
) -> ast.expr | tuple[str, str, int | None]:
    """Return the tree, or reason, fix and column."""
    if not source.strip():
        return "the formula is empty", "Write a number or an expression", None
    split = "Split it into derived quantities"
    if len(source) > longest:
        found = f"the formula has {len(source)} characters"
        return f"{found}; the limit MAX_FORMULA_LENGTH is {longest}", split, None
    outside = _QUOTED.sub(lambda match: " " * len(match.group()), source)
    strange = _STRANGE.search(outside) or re.search(r"\\", source)
    if strange is not None:
        return (*_stranger(strange.group()), strange.start() + 1)
    depth = nested = 0
    for bracket in _BRACKET.findall(outside):
        depth += 1 if bracket in "([{" else -1
        nested = max(nested, depth)
    if nested > deepest:
        found = f"the formula nests {nested} levels deep"
        return f"{found}; the limit MAX_FORMULA_NESTING is {deepest}", split, None
    for match in _NUMBER.finditer(outside):
        written, exponent = match.group(1), match.group(2) or "0"
        if len(written) > digits or len(exponent) > 6 or abs(int(exponent)) > digits:
            found = f"the number {match.group()[:20]}... is too long or too large"
            return (
                f"{found}; the limit MAX_DIGITS is {digits}",
                "Change the unit",
                match.start() + 1,
            )
    flat = re.sub(r"[\n\r\t]", " ", source)
    start = len(flat) - len(flat.lstrip())
    try:
        with warnings.catch_warnings():  # of "1if x else y", or of escapes in quoted text
            warnings.simplefilter("ignore")
            tree = ast.parse(flat.strip(), mode="eval").body
    except SyntaxError as error:
        fix = "Check brackets and operators"
        if re.search(r"(?<![=<>!])=(?!=)", outside):
            fix = "Write == to compare"
        if "%" in outside:
            fix = HINTS[ast.Mod]
        return f"this is not a formula ({error.msg})", fix, start + (error.offset or 1)
    except (RecursionError, MemoryError, ValueError):
        return "the formula is too deeply nested", split, None
    level, nodes = 0, [tree]
    while nodes:
        level += 1
        children: list[Any] = []
        for node in nodes:
            if hasattr(node, "col_offset"):
                node.col_offset += start
            children.extend(ast.iter_child_nodes(node))
        nodes = children
    if level > 4 * deepest:
        return f"the formula is {level} operations deep", split, None
    return tree


def _stranger(character: str) -> tuple[str, str]:
    if character == "\\":
        return "a formula holds no backslashes", "Write the characters themselves"
    if character == "#":
        return "a formula holds no comments", "Put the remark outside, or into 'about'"
    label = unicodedata.name(character, f"U+{ord(character):04X}")
    reason = f"the character {character!r} ({label}) is not allowed in a formula"
    return reason, "Names are plain ASCII letters, digits and _"
