"""Expressions -> functions: one vectorized numpy function, one set of numba functions.

Both run over a flat vector of *slots*: first the inputs (parameters, then moves), then the
values that an earlier stage computes once for all later ones. The graph is never written
out: each node becomes one local variable or one slot.

Generated numba source holds slot numbers, operators and literals only, never a name or a
text that a user wrote. It is kept in a cache folder (``HIGHFENCE_CACHE_DIR``, else
``$XDG_CACHE_HOME/highfence``, else ``~/.cache/highfence``) so that a game is compiled once a
machine; where the folder cannot be written, it is compiled once a process.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MethodFailed
from ..spec.formulas import Expr, numpy_operations, order

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout", "Program", "cache_folder", "compile_staged", "layout", "numpy_function"]


def numpy_function(
    roots: Sequence[Expr], names: Sequence[str]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a function from inputs (..., len(names)) to values (..., len(roots)).

    It is vectorized over all leading axes (draws, candidate actions). Undefined values are
    NaN or infinite. Cost: one numpy operation per node of the graph.
    """
    nodes = order(roots)
    position = {id(node): k for k, node in enumerate(nodes)}
    column = {name: k for k, name in enumerate(names)}
    operations = numpy_operations()
    wanted = [position[id(root)] for root in roots]
    start: list[Any] = [None] * len(nodes)
    inputs_at: list[tuple[int, int]] = []
    steps: list[tuple[int, Callable[..., Any], tuple[int, ...]]] = []
    for k, node in enumerate(nodes):
        if node.op == "const":
            start[k] = node.value if isinstance(node.value, bool) else np.float64(node.value)
        elif node.op == "input":
            inputs_at.append((k, column[node.value]))
        else:
            function = node.value if node.op == "call" else operations[node.op]
            steps.append((k, function, tuple(position[id(arg)] for arg in node.args)))

    def compiled(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        values = start.copy()
        for k, at in inputs_at:
            values[k] = inputs[..., at]
        with np.errstate(all="ignore"):
            for k, function, arguments in steps:
                values[k] = function(*[values[a] for a in arguments])
        found = np.empty((*inputs.shape[:-1], len(wanted)))
        for n, k in enumerate(wanted):
            found[..., n] = values[k]
        return found

    return compiled


@dataclass(frozen=True)
class Layout:
    """Where everything stands in the slot vector, and which stage computes it."""

    names: tuple[str, ...]
    """Inputs, in slot order."""
    level: Mapping[int, int]
    """id(node) -> the stage whose moves it depends on last; -1 for parameters alone."""
    slot: Mapping[int, int]
    """id(node) -> slot, for inputs and stored values."""
    size: int
    nodes: tuple[Expr, ...]
    last: int
    """Index of the last stage."""


def layout(
    names: Sequence[str],
    stage_of: Mapping[str, int],
    last: int,
    finals: Sequence[Expr],
    stored: Sequence[Expr],
) -> Layout:
    """Assign levels and slots.

    Parameters
    ----------
    names
        Inputs in slot order.
    stage_of
        Move -> stage; inputs that are not moves are parameters.
    last
        Index of the last stage; ``finals`` of this level are computed on demand.
    finals
        What the last stage computes (payoffs, outcomes).
    stored
        What must have a slot because the solver reads it between stages (bounds,
        availability, probabilities).
    """
    nodes = order([*finals, *stored])
    slot_of_name = {name: k for k, name in enumerate(names)}
    level: dict[int, int] = {}
    for node in nodes:
        if node.op == "input":
            level[id(node)] = stage_of.get(node.value, -1)
        else:
            level[id(node)] = max((level[id(arg)] for arg in node.args), default=-1)
    slot = {id(n): slot_of_name[n.value] for n in nodes if n.op == "input"}
    wanted = {id(node) for node in stored}
    for node in nodes:
        wanted.update(id(arg) for arg in node.args if level[id(arg)] < level[id(node)])
    wanted.update(id(node) for node in finals if level[id(node)] < last)
    size = len(names)
    for node in nodes:
        if id(node) in wanted and node.op not in ("input", "const"):
            slot[id(node)] = size
            size += 1
    return Layout(tuple(names), level, slot, size, tuple(nodes), last)


class _Writer:
    """Writes straight-line scalar code for nodes of a layout.

    It has no branches, and assigns a name once: for every name that is assigned twice, be it in
    two branches, numba goes once more through the whole function.
    """

    def __init__(self, plan: Layout) -> None:
        self.plan = plan
        self.calls: dict[str, Callable[..., Any]] = {}
        self.position = {id(node): k for k, node in enumerate(plan.nodes)}
        self.branch = ""
        """What ends the names of one branch of a function."""

    def name(self, node: Expr) -> str:
        return f"t{self.position[id(node)]}{self.branch}"

    def literal(self, node: Expr) -> str:
        if isinstance(node.value, bool):
            return str(node.value)
        return f"({float(node.value)!r})"

    def read(self, node: Expr, local: set[int]) -> str:
        if node.op == "const":
            return self.literal(node)
        if id(node) in local:
            return self.name(node)
        slot = self.plan.slot[id(node)]
        return f"(v[{slot}] != 0.0)" if node.is_bool else f"v[{slot}]"

    def expression(self, node: Expr, read: Callable[[Expr], str]) -> str:
        a = [read(arg) for arg in node.args]
        match node.op:
            case "add":
                return f"{a[0]} + {a[1]}"
            case "sub":
                return f"{a[0]} - {a[1]}"
            case "mul":
                return f"{a[0]} * {a[1]}"
            case "div":
                return f"{a[0]} / {a[1]}"
            case "pow":
                exponent = node.args[1]
                if exponent.op == "const" and exponent.value in (2, 3, 4):
                    return " * ".join([a[0]] * int(exponent.value))
                return f"{a[0]} ** {a[1]}"
            case "min" | "max":
                # What is compared in vain because it is undefined must be what is returned.
                sign = "<" if node.op == "min" else ">"
                if node.args[0].op == "const":
                    return f"choose({a[0]} {sign} {a[1]}, {a[0]}, {a[1]})"
                if node.args[1].op == "const":
                    return f"choose({a[1]} {sign} {a[0]}, {a[1]}, {a[0]})"
                return f"choose(({a[0]} {sign} {a[1]}) | ({a[0]} != {a[0]}), {a[0]}, {a[1]})"
            case "lt":
                return f"{a[0]} < {a[1]}"
            case "le":
                return f"{a[0]} <= {a[1]}"
            case "eq":
                return f"{a[0]} == {a[1]}"
            case "ne":
                return f"{a[0]} != {a[1]}"
            case "and":
                return f"{a[0]} & {a[1]}"
            case "or":
                return f"{a[0]} | {a[1]}"
            case "not":
                return f"not {a[0]}"
            case "neg":
                return f"-{a[0]}"
            case "abs" | "exp" | "log" | "sqrt":
                return f"np.{node.op}({a[0]})"
            case "where":
                return f"choose({a[0]}, {a[1]}, {a[2]})"
            case "call":
                name = f"call{len(self.calls)}"
                self.calls[name] = node.value
                return f"{name}({', '.join(a)})"
        raise AssertionError(node.op)

    def block(self, roots: Sequence[Expr], level: int, store: bool) -> list[str]:
        """Return lines that compute the roots' nodes of one level (and store those with slots)."""
        local: set[int] = set()
        lines = []
        for node in order(roots):
            if node.op in ("const", "input") or self.plan.level[id(node)] != level:
                continue
            value = self.expression(node, lambda arg: self.read(arg, local))
            lines.append(f"{self.name(node)} = {value}")
            local.add(id(node))
            if store and id(node) in self.plan.slot:
                value = self.name(node)
                if node.is_bool:
                    value = f"choose({value}, 1.0, 0.0)"
                lines.append(f"v[{self.plan.slot[id(node)]}] = {value}")
        self.local = local
        return lines

    def line(self, root: Expr, move: int) -> list[str]:
        """Return lines that write the root at many values of the move in slot ``move``.

        What does not depend on the move, and what is read from slots, stands before the loop,
        whose body is without branches: it is compiled to do several values at once.
        """
        nodes = [
            node
            for node in order([root])
            if node.op not in ("const", "input") and self.plan.level[id(node)] == self.plan.last
        ]
        moving = {
            id(n) for n in self.plan.nodes if n.op == "input" and self.plan.slot[id(n)] == move
        }
        for node in nodes:
            if any(id(arg) in moving for arg in node.args):
                moving.add(id(node))
        names: dict[str, str] = {}

        def read(node: Expr) -> str:
            if node.op == "const":
                return self.literal(node)
            if node.op == "input" and id(node) in moving:
                return "y"
            if id(node) in local:
                return self.name(node)
            return names.setdefault(self.read(node, set()), f"a{len(names)}{self.branch}")

        local: set[int] = set()
        before: list[str] = []
        inside: list[str] = []
        for node in nodes:
            text = f"{self.name(node)} = {self.expression(node, read)}"
            (inside if id(node) in moving else before).append(text)
            local.add(id(node))
        result = read(root)
        return [
            *(f"{name} = {value}" for value, name in names.items()),
            *before,
            "for k in range(count):",
            "    y = low + width * x[k]",
            *(f"    {line}" for line in inside),
            f"    out[k] = 1.0 * {result}",
        ]


@dataclass(frozen=True)
class Program:
    """The compiled functions of a staged game; ``v`` is one slot vector.

    ``advance(v, k)`` fills the slots of level k (-1: parameters), once the moves of stage k
    stand in their slots. ``objective(v, i)`` is player i's payoff at the last stage.
    ``finish(v, out)`` writes every player's payoff. All are numba first-class functions.
    """

    plan: Layout
    advance: Any
    objective: Any
    finish: Any
    _line: Callable[[], Any] = field(repr=False)

    @cached_property
    def line(self) -> Any:
        """``line(v, i, slot, low, width, count, x, out)`` writes player i's payoffs at the last
        stage with their own move there, in ``slot``, at low + width x, for the first ``count``
        values of x. Of moves over an interval; compiled on first use. Several values are
        computed side by side, in little more time than one."""
        return self._line()


def compile_staged(
    plan: Layout,
    payoffs: Sequence[Expr],
    deciders: Sequence[int],
    moves: Sequence[tuple[int, int]] = (),
) -> Program:
    """Compile the functions of a staged game.

    ``deciders`` are the players who move in the last stage: only for them is there a branch
    of ``objective``; ``moves`` are their players and slots, of which there is a ``line``.
    Cost: about 3 ms per node the first time on a machine.
    """
    writer = _Writer(plan)
    stored = [node for node in plan.nodes if id(node) in plan.slot and node.op != "input"]
    lines = ["import numpy as np", "", "", "def advance(v, k):"]
    for level in range(-1, plan.last):
        roots = [node for node in stored if plan.level[id(node)] == level]
        body = writer.block(roots, level, store=True)
        lines += [f"    if k == {level}:", *(f"        {line}" for line in body or ["pass"])]
    lines += ["    return 0.0", "", "", "def objective(v, i):"]
    for player in sorted(set(deciders)):
        root = payoffs[player]
        writer.branch = f"_{player}"
        body = writer.block([root], plan.last, store=False)
        result = writer.read(root, writer.local)
        lines += [
            f"    if i == {player}:",
            *(f"        {line}" for line in body),
            f"        return 1.0 * {result}",
        ]
    lines += ["    return np.nan", "", "", "def finish(v, out):"]
    writer.branch = ""
    body = writer.block(list(payoffs), plan.last, store=False)
    lines += [f"    {line}" for line in body]
    for player, root in enumerate(payoffs):
        lines.append(f"    out[{player}] = 1.0 * {writer.read(root, writer.local)}")
    lines += ["    return 0.0", ""]
    from ..kernels.staged import ADVANCE, FINISH, OBJECTIVE

    signatures = {"advance": ADVANCE, "objective": OBJECTIVE, "finish": FINISH}
    advance, objective, finish = _load("\n".join(lines), writer.calls, signatures)
    return Program(plan, advance, objective, finish, lambda: _line(plan, payoffs, moves))


def _line(plan: Layout, payoffs: Sequence[Expr], moves: Sequence[tuple[int, int]]) -> Any:
    """Return the function that :attr:`Program.line` tells of."""
    from ..kernels.compiling import ALLOCATES_NOTHING
    from ..kernels.staged import LINE

    writer = _Writer(plan)
    lines = ["import numpy as np", "", "", "def line(v, i, slot, low, width, count, x, out):"]
    for player, slot in moves:
        writer.branch = f"_{slot}"
        lines.append(f"    if i == {player} and slot == {slot}:")
        lines += [f"        {line}" for line in writer.line(payoffs[player], slot)]
        lines.append("        return 0.0")
    lines += ["    return np.nan", ""]
    # Divisions by what stays the same along the line become products. (Fusing a product and a sum
    # would gain little, and make last digits depend on the machine: at the edge of a jump they
    # decide on which side an action is.)
    fast = {"arcp"}
    options = {} if writer.calls else ALLOCATES_NOTHING
    (made,) = _load("\n".join(lines), writer.calls, {"line": LINE}, fastmath=fast, **options)
    return made


def cache_folder() -> Path | None:
    """Return the folder for compiled games, made if needed; None if it cannot be written."""
    named = os.environ.get("HIGHFENCE_CACHE_DIR")
    if named:
        folder = Path(named)
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        if base.startswith("~"):
            return None
        folder = Path(base) / "highfence"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError:
        return None
    if hasattr(os, "getuid") and owner != os.getuid():
        # Code in a folder of somebody else's is not loaded.
        return None
    return folder if os.access(folder, os.W_OK) else None


def _load(
    source: str,
    calls: Mapping[str, Callable[..., Any]],
    signatures: Mapping[str, Any],
    **flags: Any,
) -> tuple[Any, ...]:
    """Return the functions of a source, compiled, in the order of their signatures."""
    import numba

    from ..kernels.compiling import DISABLE_JIT, addressed, choose

    if DISABLE_JIT:
        raise MethodFailed(
            "games with actions over intervals are solved by compiled code, and NUMBA_DISABLE_JIT "
            "is set: unset it"
        )
    folder = None if calls else cache_folder()
    # Kept under what it was compiled from and how: numba looks at the former only.
    how = sorted((k, sorted(v) if isinstance(v, set) else str(v)) for k, v in flags.items())
    digest = hashlib.sha256(f"{source}\n# {how}".encode()).hexdigest()[:32]
    # numba finds the module of a cached function by its name.
    module = ModuleType(f"_highfence_game_{digest}")
    namespace = module.__dict__
    namespace["choose"] = choose
    for name, function in calls.items():
        namespace[name] = numba.njit(function)
    filename = "<compiled game>"
    if folder is not None:
        sys.modules[module.__name__] = module
        path = folder / f"game_{digest}.py"
        filename = str(path)
        if not path.exists():
            handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(source)
            os.replace(temporary, path)
    exec(compile(source, filename, "exec"), namespace)
    made: list[Any] = []

    def keep(dispatcher: Any, signature: Any) -> None:
        made.append(addressed(dispatcher, signature))

    for name, signature in signatures.items():
        options: dict[str, Any] = {"error_model": "numpy", "nogil": True, **flags}
        try:
            if folder is not None:
                try:
                    jit = numba.njit(signature, cache=True, **options)
                    keep(jit(namespace[name]), signature)
                    continue
                except numba.core.errors.NumbaError:
                    raise
                except Exception:
                    # A damaged cache costs a compilation, never an answer. What was pickled
                    # and then damaged may raise anything.
                    for damaged in folder.rglob(f"game_{digest}.*.nb[ic]"):
                        damaged.unlink(missing_ok=True)
            keep(numba.njit(signature, **options)(namespace[name]), signature)
        except numba.core.errors.NumbaError as error:
            if not calls:
                raise
            raise MethodFailed(
                "a Python callable in the game cannot be compiled for interval actions: "
                f"{str(error).splitlines()[0]}. Write it as a formula, or use plain numpy"
            ) from error
    return tuple(made)
