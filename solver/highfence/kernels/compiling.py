"""How kernels are compiled, so that the first use on a machine takes no longer than it must.

What takes most of the time to compile a kernel, and is not needed:

- *Optimizing what a function calls on its own.* numba optimizes every function and makes machine
  code of it, and does so again, with all that it calls, inside each one that calls it: what lies
  five calls deep is optimized five times. Here functions that compiled ones alone call are kept as
  they are until they are part of what Python calls (:func:`inner`, :func:`lean`).
- *Wrappers.* Such a function needs no code to unpack what Python passes either.
- *Counts of references.* Without them there is a third of the code (:func:`lean`). Such a function
  must not allocate, nor return an array: whoever allocates hands the room on.
- *Compiling once more for every number that stands in a call*, which numba does of its own accord.
- *Compiling the same in several processes at once.* One does, and the others wait for what it
  keeps on disk (:func:`kept`).
- *An array written to a slice.* numba compiles a message about shapes with it, with all of its
  functions on text: two seconds and a half the first time. Arrays are copied by loops
  (:func:`copy`, :func:`copy_rows`); a number may be written to a slice.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.compiler_lock import global_compiler_lock
from numba.core.cpu import CPUTargetOptions
from numba.core.types.function_type import CompileResultWAP
from numba.core.typing.ctypes_utils import to_ctypes
from numba.extending import intrinsic

__all__ = [
    "ALLOCATES_NOTHING",
    "DISABLE_JIT",
    "INNER",
    "LEAN",
    "Addressed",
    "addressed",
    "choose",
    "copy",
    "copy_rows",
    "inner",
    "kept",
    "lean",
    "pointer",
]

INNER: dict[str, Any] = {"error_model": "numpy"}
"""Options of a function that compiled ones alone call."""
for _name in ("no_cpython_wrapper", "no_cfunc_wrapper"):
    if hasattr(CPUTargetOptions, _name):
        INNER[_name] = True
LEAN: dict[str, Any] = dict(INNER)
"""Likewise, and it allocates nothing."""
ALLOCATES_NOTHING: dict[str, Any] = {"error_model": "numpy", "nogil": True}
"""Options of a function that is called by its address, and allocates nothing."""
if hasattr(CPUTargetOptions, "_nrt"):
    # Else numba counts references to every array that a function gets, which takes five times
    # as long as a payoff does.
    LEAN["_nrt"] = ALLOCATES_NOTHING["_nrt"] = False
    # What is not said is as in the function that calls.
    INNER["_nrt"] = True


_CONFIG: Any = numba.config
DISABLE_JIT: bool = bool(_CONFIG.DISABLE_JIT)
"""Whether numba was told (``NUMBA_DISABLE_JIT``) to compile nothing."""


def _pipeline() -> Any:
    """Return the compiler of functions that are kept as they are until they are part of others.

    None where numba is not built as it is known: then it does as it always does, and takes longer.
    """
    try:
        from numba.core.codegen import JITCodeLibrary
        from numba.core.compiler import Compiler
    except ImportError:
        return None
    known = ("_optimize_final_module", "_finalize_dynamic_globals", "_finalize_final_module")
    if not all(hasattr(JITCodeLibrary, name) for name in (*known, "codegen")):
        return None

    class Nowhere:
        """Stands in for the code generator of code that is nowhere in memory."""

        def __init__(self, codegen: Any) -> None:
            self._codegen = codegen

        def __getattr__(self, name: str) -> Any:
            return getattr(self._codegen, name)

        def set_env(self, name: str, environment: Any) -> None:
            """Do nothing: there is no place to write it to."""

    class Part(JITCodeLibrary):
        """Code that is neither optimized nor made machine code of."""

        def _optimize_final_module(self) -> None:
            """Leave it to what this becomes a part of."""

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
            self._finalized = True

        @property
        def codegen(self) -> Any:
            return Nowhere(self._codegen)

    class Parts(Compiler):
        def __init__(self, typing: Any, target: Any, library: Any, *others: Any) -> None:
            if library is None:
                library = part(target.codegen(), f"part{next(numbers)}")
            super().__init__(typing, target, library, *others)  # type: ignore[no-untyped-call]

    part: Any = Part
    numbers = count()
    return Parts


if (_parts := _pipeline()) is not None:
    INNER["pipeline_class"] = LEAN["pipeline_class"] = _parts


def _once(compiled: Any) -> Any:
    """Let a function be compiled once, not once more for every number that stands in a call."""
    if DISABLE_JIT:
        return compiled
    unliteral: Any = numba.types.unliteral
    asked = compiled.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        plain = tuple(unliteral(arg) for arg in args)
        return asked(plain, {name: unliteral(arg) for name, arg in kws.items()})

    compiled.get_call_template = get_call_template
    return compiled


def inner(function: Any) -> Any:
    """Compile a function that compiled ones alone call."""
    return _once(njit(**INNER)(function))


def lean(function: Any) -> Any:
    """Likewise, and it allocates nothing."""
    return _once(njit(**LEAN)(function))


class Kept:
    """A function that Python calls; it is loaded, or compiled, when it is first called for."""

    def __init__(self, waiting: Any, signatures: Sequence[Any]) -> None:
        self._waiting = waiting
        self._signatures = signatures
        self._loaded: Any = None

    def __call__(self, *arguments: Any) -> Any:
        return (self._loaded or self.loaded())(*arguments)

    @property
    def _numba_type_(self) -> Any:
        """What it is for another kernel that calls it."""
        return self.loaded()._numba_type_

    def loaded(self) -> Any:
        """Return the function as numba has it, with its signatures compiled."""
        # numba's own lock first, as where it compiles a kernel and comes upon this one: else two
        # threads could wait for each other.
        with global_compiler_lock:
            if self._loaded is None:
                with _alone(self._waiting):
                    for signature in self._signatures:
                        try:
                            self._waiting.compile(signature)
                        except OSError:
                            # Compiled, and not kept: a disk that is full costs time, never an
                            # answer.
                            if signature.args not in self._waiting.overloads:
                                raise
                self._waiting.disable_compile()
                self._loaded = self._waiting
        return self._loaded


def kept(*signatures: Any, **options: Any) -> Callable[[Any], Any]:
    """Compile a function that Python calls for its signatures, and keep it on disk.

    Where several processes need one at once that is not there yet, one of them compiles it. Its
    lock is the operating system's, which ends with the process, however that ends.
    """

    def compiled(function: Any) -> Any:
        usual = {"cache": True, "error_model": "numpy", "nogil": True}
        waiting = njit(**{**usual, **options})(function)
        return waiting if DISABLE_JIT else Kept(waiting, signatures)

    return compiled


class Addressed:
    """A compiled function as kernels take it: its type and address, worked out once.

    A dispatcher in its place is asked for both at every call, which costs more than solving
    a row does.
    """

    def __init__(self, compiled: Any, signature: Any) -> None:
        self._numba_type_ = numba.types.FunctionType(signature)
        self._compiled = compiled
        self._address: int | None = None

    @cached_property
    def _wrapped(self) -> Any:
        compiled = self._compiled
        if isinstance(compiled, Kept):
            compiled = compiled.loaded()
        return CompileResultWAP(compiled.get_compile_result(self._numba_type_.signature))

    def __wrapper_address__(self) -> int:
        if self._address is None:
            self._address = int(self._wrapped.__wrapper_address__())
        return self._address

    def __call__(self, *arguments: Any) -> Any:
        """Call it from Python; arrays stand for the pointers that it takes."""
        kinds = self._numba_type_.signature.args
        if not any(isinstance(kind, numba.types.CPointer) for kind in kinds):
            return self._wrapped(*arguments)
        returned, *taken = (
            to_ctypes(t)  # type: ignore[no-untyped-call]
            for t in (self._numba_type_.signature.return_type, *kinds)
        )
        given = [
            value.ctypes.data_as(form) if isinstance(kind, numba.types.CPointer) else value
            for value, kind, form in zip(arguments, kinds, taken, strict=True)
        ]
        return ctypes.CFUNCTYPE(returned, *taken)(self.__wrapper_address__())(*given)


def addressed(compiled: Any, signature: Any) -> Any:
    """Return a function that :func:`kept` or numba compiles as other kernels take it."""
    if DISABLE_JIT:
        return compiled
    made = Addressed(compiled, signature)
    if not isinstance(compiled, Kept):
        made.__wrapper_address__()
    return made


@contextlib.contextmanager
def _alone(waiting: Any) -> Iterator[None]:
    """Wait until no other process compiles the same function, unless it is on disk."""
    function = waiting.py_func
    name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    with contextlib.ExitStack() as stack:
        # Where no lock can be had, everyone compiles, which costs time and nothing else.
        with contextlib.suppress(OSError, AttributeError):
            folder = Path(waiting.stats.cache_path)
            if next(folder.glob(f"{name}-*.nbi"), None) is None:
                folder.mkdir(parents=True, exist_ok=True)
                stream = stack.enter_context(open(folder / f"{name}.lock", "ab"))
                _lock(stream.fileno())
        yield


def _lock(descriptor: int) -> None:
    """Lock an open file as soon as nobody else does; closing it ends that."""
    try:
        import fcntl
    except ImportError:  # Windows: it tries ten times, a second apart
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        windows: Any = msvcrt
        windows.locking(descriptor, windows.LK_LOCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _pointer(_typing: Any, array: Any) -> tuple[Any, Any]:
    """Type and code of :data:`pointer`."""
    kind = numba.types.CPointer(array.dtype)  # type: ignore[no-untyped-call]

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return kind(array), code


pointer: Any = intrinsic(_pointer)
"""Where the numbers of an array begin. A function that is called by its address gets three
pointers in registers, and three arrays, of seven words each, through memory."""


def _choose(typing: Any, condition: Any, one: Any, other: Any) -> Any:
    unliteral: Any = numba.types.unliteral
    kind = typing.unify_types(unliteral(one), unliteral(other))
    if condition != numba.types.boolean or kind is None:
        return None

    def chosen(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        if_true, if_false = (
            context.cast(builder, value, taken, kind)
            for value, taken in zip(given[1:], signature.args[1:], strict=True)
        )
        return builder.select(given[0], if_true, if_false)

    return kind(condition, one, other), chosen


choose: Any = intrinsic(_choose)
"""``choose(condition, one, other)``: ``one if condition else other`` of two numbers that are there
both, without a branch. Every branch makes numba look through a function once more."""


@lean
def copy(to, source):  # type: ignore[no-untyped-def]
    """Write what an array of one axis begins with to another one, and fill that."""
    for k in range(to.size):
        to[k] = source[k]


@lean
def copy_rows(to, source):  # type: ignore[no-untyped-def]
    """Likewise with two axes."""
    for r in range(to.shape[0]):
        for c in range(to.shape[1]):
            to[r, c] = source[r, c]
