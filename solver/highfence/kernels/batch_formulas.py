"""One loop that evaluates a list of formulas at a block of draws.

The formulas are straight-line code over *registers*; a register holds one number per draw of
the block, so each instruction is one loop over the draws, which the compiler vectorizes. The
loop is compiled once for all games: what differs from game to game is data.

An instruction is ``(op, out, a, b, c)``: ``out`` and the operands are registers. Conditions
are 0 and 1. A result stays in a register of its own, and is read there.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .compiling import kept

__all__ = ["GUARDED", "OPS", "run_formulas"]

OPS = {
    name: k
    for k, name in enumerate(
        (
            "add",
            "sub",
            "mul",
            "div",
            "pow",
            "min",
            "max",
            "lt",
            "le",
            "eq",
            "ne",
            "and",
            "or",
            "neg",
            "abs",
            "exp",
            "log",
            "sqrt",
            "not",
            "where",
        )
    )
}
"""Name of an operation in formulas -> its number."""
GUARDED = 32
"""Added to the number of a comparison of computed numbers: draws at which the two are equal
but for rounding (1e-13 of their size) are marked, as exact arithmetic may decide otherwise."""

_BLOCK = types.float64[:, ::1]


@kept(types.void(types.int32[:, ::1], _BLOCK, types.int64, types.uint8[::1]))
def run_formulas(code, registers, count, marks):  # type: ignore[no-untyped-def]
    """Run the code for the first ``count`` draws of the block.

    ``registers`` (registers, block): inputs and constants are in place. ``marks`` (draws,) is
    written.
    """
    for k in range(code.shape[0]):
        op = code[k, 0]
        out = code[k, 1]
        z = registers[out]
        x = registers[code[k, 2]]
        y = registers[code[k, 3]]
        if op >= 32:
            op -= 32
            for d in range(count):
                if abs(x[d] - y[d]) <= 1e-13 * (abs(x[d]) + abs(y[d])):
                    marks[d] = 1
        if op == 0:
            for d in range(count):
                z[d] = x[d] + y[d]
        elif op == 1:
            for d in range(count):
                z[d] = x[d] - y[d]
        elif op == 2:
            for d in range(count):
                z[d] = x[d] * y[d]
        elif op == 3:
            for d in range(count):
                z[d] = x[d] / y[d]
        elif op == 19:
            w = registers[code[k, 4]]
            for d in range(count):
                z[d] = y[d] if x[d] != 0.0 else w[d]
        elif op == 5:
            for d in range(count):
                z[d] = x[d] if x[d] < y[d] or x[d] != x[d] else y[d]
        elif op == 6:
            for d in range(count):
                z[d] = x[d] if x[d] > y[d] or x[d] != x[d] else y[d]
        elif op == 7:
            for d in range(count):
                z[d] = 1.0 if x[d] < y[d] else 0.0
        elif op == 8:
            for d in range(count):
                z[d] = 1.0 if x[d] <= y[d] else 0.0
        elif op == 9:
            for d in range(count):
                z[d] = 1.0 if x[d] == y[d] else 0.0
        elif op == 10:
            for d in range(count):
                z[d] = 1.0 if x[d] != y[d] else 0.0
        elif op == 11:
            for d in range(count):
                z[d] = 1.0 if x[d] != 0.0 and y[d] != 0.0 else 0.0
        elif op == 12:
            for d in range(count):
                z[d] = 1.0 if x[d] != 0.0 or y[d] != 0.0 else 0.0
        elif op == 13:
            for d in range(count):
                z[d] = -x[d]
        elif op == 14:
            for d in range(count):
                z[d] = abs(x[d])
        elif op == 15:
            for d in range(count):
                z[d] = np.exp(x[d])
        elif op == 16:
            for d in range(count):
                z[d] = np.log(x[d])
        elif op == 17:
            for d in range(count):
                z[d] = np.sqrt(x[d])
        elif op == 18:
            for d in range(count):
                z[d] = 1.0 if x[d] == 0.0 else 0.0
        else:
            for d in range(count):
                z[d] = x[d] ** y[d]
