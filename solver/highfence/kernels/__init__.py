"""Compiled inner loops (numba); imported by methods and forms only when they run.

numba keeps what it compiled, and compiles a function anew when its own file has changed, not
when a function that it calls, from another file, has. So a mark beside what is kept says from
which kernels it was made: with any other ones, also those of another release, all is dropped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..garbage import loading_what_stays

__all__: list[str] = []

_MARK = "kernels.sha256"


def _digest(sources: Path) -> str:
    """Return a digest of all files of a folder that are Python."""
    made = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        text = path.read_bytes()
        made.update(f"{path.name} {len(text)}\n".encode() + text)
    return made.hexdigest()


def _renew(kept: Path, sources: Path) -> bool:
    """Drop what was compiled from other sources, if so; return whether."""
    mark, digest = kept / _MARK, _digest(sources)
    with contextlib.suppress(OSError, ValueError):
        if mark.read_text(encoding="ascii") == digest:
            return False
    for pattern in ("*.nbi", "*.nbc"):
        for path in kept.glob(pattern):
            path.unlink(missing_ok=True)
    # Marked last, and at once: whoever comes in between drops the same.
    handle, temporary = tempfile.mkstemp(dir=kept, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(digest)
    Path(temporary).replace(mark)
    return True


def _probe() -> None:
    """Stand in for the kernels: they are kept where this would be."""


@contextlib.contextmanager
def _taking_blas_for_granted() -> Iterator[None]:
    """Let numba not import scipy.linalg to see whether it can multiply matrices.

    It can, because scipy is there where this package is. numba looks again where it compiles a
    product of matrices, which these kernels never ask for.
    """
    from numba.np import linalg

    asked = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        yield
    finally:
        linalg.ensure_blas = asked


def _load() -> None:
    """Load all of numba, most of which it puts off until something is compiled."""
    with loading_what_stays():
        import numba

        from .compiling import DISABLE_JIT

        if DISABLE_JIT:
            return
        # Where numba is not built as it is known, it does the same itself, and takes longer.
        with contextlib.suppress(ImportError, AttributeError), _taking_blas_for_granted():
            numba.core.compiler_lock.global_compiler_lock(
                numba.core.registry.cpu_target.target_context.refresh
            )()
        _renew_here()


def _renew_here() -> None:
    import numba

    try:
        probe: Any = numba.njit(_probe, cache=True)
        _renew(Path(probe.stats.cache_path), Path(__file__).parent)
    except (OSError, RuntimeError):
        # Nothing can be kept, and nothing is.
        return


_load()
