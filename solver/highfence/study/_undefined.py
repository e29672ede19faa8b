"""Values of a formula, and where they are undefined, inside conditions too.

A comparison with an undefined number is false to a machine: ``log(x) > 1`` would fail at x = -1,
and be counted. Here it is neither true nor false (Kleene 1938), and so is what hangs on it; what
does not, as ``x > 0 and log(x) > 1`` at x = -1, is what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..spec.expressions import Expr, as_float, numpy_operations, order

__all__ = ["decides", "value_and_known"]

DECIDING = frozenset({"lt", "le", "eq", "ne", "and", "or", "not", "where"})
"""Operations whose value may be defined though an argument is not."""


def decides(root: Expr) -> bool:
    """Return whether a formula has a condition in it: elsewhere NaN goes through to its value."""
    return any(node.op in DECIDING for node in order([root]))


def value_and_known(root: Expr, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the value of a formula, and where it is defined; inputs broadcast."""
    operations = numpy_operations()
    values: dict[int, Any] = {}
    known: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in order([root]):
            key, args = id(node), [values[id(arg)] for arg in node.args]
            sure = [known[id(arg)] for arg in node.args]
            if node.op == "const":
                value = node.value
                values[key] = value if isinstance(value, bool) else np.float64(as_float(value))
            elif node.op == "input":
                values[key] = np.asarray(inputs[node.value], dtype=np.float64)
            else:
                make = node.value if node.op == "call" else operations[node.op]
                values[key] = make(*args)
            match node.op:
                case "and":
                    false = [k & ~np.asarray(v, bool) for v, k in zip(args, sure, strict=True)]
                    known[key] = np.logical_or.reduce([*false, np.logical_and.reduce(sure)])
                case "or":
                    true = [k & np.asarray(v, bool) for v, k in zip(args, sure, strict=True)]
                    known[key] = np.logical_or.reduce([*true, np.logical_and.reduce(sure)])
                case "where":
                    known[key] = sure[0] & np.where(args[0], sure[1], sure[2])
                case _:
                    made = ~np.isnan(np.asarray(values[key], dtype=np.float64))
                    if node.op == "div":
                        made = made & (args[1] != 0)
                    elif node.op == "log":
                        made = made & (args[0] > 0)
                    elif node.op == "pow":
                        made = made & ~((args[0] == 0) & (args[1] < 0))
                    for one in sure:
                        made = made & one
                    known[key] = made
    return values[id(root)], known[id(root)]
