"""A file that keeps the answers of a sweep as they come, and from which it goes on.

A store is one SQLite file in write-ahead mode with full synchronization: what was committed
is there after a crash. It belongs to one request (game, numbers, design, version of the
solver), which stands in it as a manifest, and it holds one record for every answer, that is
for a draw under a regime. A record has a key, which is exact (the digest of the request, the
regime, the 64 bits of every number drawn), and a SHA-256 over all of itself. There is no
mark of what is being solved: an answer is in the store or it is not.

One process writes; it holds a lock on ``FILE-lock`` beside the store for as long. Any number
of processes may read meanwhile. SQLite keeps ``FILE-wal`` and ``FILE-shm`` while a store is in
use, and after a crash until the next use; they are part of it.

Because records carry their own length and digest, they can be read off the bytes of the file
where SQLite itself no longer finds its way: damage costs the answers that it hit and no others.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import StoreError

__all__ = ["Contents", "Store", "damage", "read", "versions"]

APPLICATION = 0x48664E63
"""What SQLite's header says that the file is."""

FORMAT = "2"
"""Version of the store's own layout; another one is refused. (In the first, a game was told by its
whole text, and not by what answers depend on.)"""

PAGE_BYTES = 16_384
"""A record that fits a page stands in one piece, and is found there if all else is damaged."""

MANIFEST, ROW = b"HfnceMan", b"HfnceRow"
"""What a record starts with."""

HEAD = struct.Struct("<8sQQQ")
"""Kind, length of the whole record, number, length of the key."""

DIGEST_BYTES = 32

TABLES = {"manifest": MANIFEST, "answers": ROW, "manifest_copy": MANIFEST}
"""Table -> what its records are. Without a manifest nothing in a damaged store could be read, so
there is a second one, in another page, with the answers' first page between them."""

_OTHERS = (
    ".csv", ".efg", ".html", ".json", ".md", ".nfg", ".parquet", ".png", ".py", ".svg", ".toml",
    ".txt",
)  # fmt: skip
"""Endings of what else a study reads and writes: such a file that is there is no store, even
if it is empty. An empty file of any other name may be what a crash left of a new store."""


# ---------------------------------------------------------------------------------------------
# Versions


@cache
def versions() -> dict[str, str]:
    """Return the versions that answers depend on.

    ``highfence`` is told by its number and by a digest of its sources, so that a solver that
    was edited is another one.
    """
    import numpy

    from .. import __version__

    package = Path(__file__).resolve().parent.parent
    sources = hashlib.sha256()
    parts = ("certify", "forms", "kernels", "methods", "spec")
    paths = [path for part in parts for path in (package / part).rglob("*.py")]
    paths += [*package.glob("solve*.py"), package / "limits.py", package / "tolerances.py"]
    paths += [package / "study" / "draws.py"]
    for path in sorted(paths):
        sources.update(path.relative_to(package).as_posix().encode() + b"\0")
        sources.update(path.read_bytes())
    return {
        "highfence": f"{__version__} ({sources.hexdigest()[:12]})",
        "numpy": numpy.__version__,
        "scipy": _version("scipy"),
        "numba": _version("numba"),
    }


def _version(package: str) -> str:
    """Return the version of a package that need not be loaded: it takes long."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        import numba
        import scipy

        return str({"numba": numba, "scipy": scipy}[package].__version__)


# ---------------------------------------------------------------------------------------------
# Records


def _record(kind: bytes, number: int, key: bytes, value: bytes) -> bytes:
    length = HEAD.size + len(key) + len(value) + DIGEST_BYTES
    body = HEAD.pack(kind, length, number, len(key)) + key + value
    return body + hashlib.sha256(body).digest()


@dataclass(frozen=True)
class _Found:
    """A record as read."""

    kind: bytes
    number: int
    key: bytes
    value: bytes
    intact: bool
    length: int

    def fits(self, kind: bytes, number: int, blob: bytes) -> bool:
        """Return whether the record is intact, and the one that should stand here."""
        whole = self.intact and self.length == len(blob)
        return whole and (self.kind, self.number) == (kind, number)


def _parse(data: bytes, at: int = 0) -> _Found | None:
    """Return the record at a place; None if there cannot be one."""
    if len(data) - at < HEAD.size + DIGEST_BYTES:
        return None
    kind, length, number, keyed = HEAD.unpack_from(data, at)
    room = length - HEAD.size - DIGEST_BYTES
    if kind not in (MANIFEST, ROW) or room < keyed or length > len(data) - at:
        return None
    end = at + length - DIGEST_BYTES
    split = at + HEAD.size + keyed
    intact = hashlib.sha256(data[at:end]).digest() == data[end : end + DIGEST_BYTES]
    return _Found(kind, number, data[at + HEAD.size : split], data[split:end], intact, length)


def _scan(data: bytes) -> Iterator[_Found]:
    """Yield all records that stand in some bytes, wherever."""
    for kind in (MANIFEST, ROW):
        at = data.find(kind)
        while at >= 0:
            found = _parse(data, at)
            if found is not None:
                yield found
            at = data.find(kind, at + (found.length if found and found.intact else 1))


# ---------------------------------------------------------------------------------------------
# Reading


@dataclass(frozen=True)
class Contents:
    """What a store holds."""

    request: Mapping[str, str]
    """What the answers are answers to, each item in words. Nothing may differ on resuming."""
    about: Mapping[str, Any]
    """What else is needed to read them."""
    rows: Mapping[int, tuple[bytes, bytes]]
    """Number -> (key, value) of the intact records."""
    loose: tuple[int, ...]
    """Those of them that SQLite itself no longer finds."""
    damaged: tuple[int, ...]
    """Numbers of records whose digest is wrong."""
    trouble: str
    """What SQLite says is wrong with the file; "" if nothing."""

    @property
    def whole(self) -> bool:
        """Nothing is damaged."""
        return not self.damaged and not self.trouble

    @property
    def digest(self) -> bytes:
        """The request's, which every key starts with."""
        return _digest(self.request)


def _digest(request: Mapping[str, str]) -> bytes:
    return hashlib.sha256(json.dumps(dict(request), sort_keys=True).encode()).digest()


def read(path: str | Path) -> Contents:
    """Return what a store holds, also while another process writes to it.

    Parameters
    ----------
    path
        The store.

    Raises
    ------
    StoreError
        There is no such file, it is not a store, or its manifest is damaged in all copies.

    Notes
    -----
    A damaged store is read as far as it goes: ``damaged`` and ``trouble`` say what is wrong.
    """
    place = Path(path)
    if not place.is_file():
        raise StoreError(f"{place}: there is no such store")
    # The log first: SQLite leaves out what follows a damaged part of it, and clears it.
    log = list(_scan(_bytes(_beside(place, "-wal"))))
    found: list[_Found] = []
    damaged: set[int] = set()
    trouble = ""
    try:
        with _reading(place) as base:
            check = base.execute("PRAGMA quick_check(1)").fetchone()[0]
            trouble = "" if check == "ok" else str(check)
            for table, kind in TABLES.items():
                for number, blob in base.execute(f"SELECT * FROM {table}"):
                    record = _parse(blob) if isinstance(blob, bytes) else None
                    if record is not None and record.fits(kind, number, blob):
                        found.append(record)
                    elif kind == ROW:
                        damaged.add(number)
                    else:
                        trouble = trouble or "a copy of the manifest is damaged"
    except (sqlite3.Error, UnicodeDecodeError) as error:
        trouble = str(error)
    seen = {(record.kind, record.number) for record in found}
    others = [*log, *_scan(_bytes(place))] if trouble or damaged else log
    loose = [r for r in others if r.intact and (r.kind, r.number) not in seen]
    if trouble:  # else SQLite has named them all
        damaged |= {r.number for r in others if r.kind == ROW and not r.intact}
    return _contents(place, found, loose, damaged, trouble)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _contents(
    place: Path, found: list[_Found], loose: list[_Found], damaged: set[int], trouble: str
) -> Contents:
    manifest = next((r for r in (*found, *loose) if r.kind == MANIFEST), None)
    if manifest is None:
        if MANIFEST not in _bytes(place):
            reason = f": {trouble}" if trouble else ""
            raise StoreError(f"{place}: this is not a store of highfence{reason}")
        raise StoreError(
            f"{place}: the store's manifest is damaged in all its copies, so nothing tells what "
            "its answers are answers to. Delete the store and solve again"
        )
    stated = json.loads(manifest.value)
    request, about = stated["request"], stated["about"]
    digest = _digest(request)
    known = range(about["draws"] * len(about["regimes"]))  # a damaged number may be any

    def rows(records: list[_Found]) -> dict[int, tuple[bytes, bytes]]:
        return {
            record.number: (record.key, record.value)
            for record in records
            if record.kind == ROW and record.number in known and record.key.startswith(digest)
        }

    return Contents(
        request=request,
        about=about,
        rows={**rows(loose), **rows(found)},
        loose=tuple(sorted(rows(loose).keys() - rows(found).keys())),
        damaged=tuple(sorted(number for number in damaged if number in known)),
        trouble=trouble,
    )


@contextmanager
def _reading(place: Path) -> Iterator[sqlite3.Connection]:
    """Open for reading. Only who may write can clear SQLite's files away at the end."""
    modes = ["mode=rw"] if os.access(place, os.W_OK) and os.access(place.parent, os.W_OK) else []
    if not modes and not _beside(place, "-wal").exists():
        modes = ["mode=ro&immutable=1"]
    base = sqlite3.connect(
        f"{place.resolve().as_uri()}?{(modes or ['mode=ro'])[0]}",
        uri=True,
        timeout=10,
        isolation_level=None,
    )
    try:
        base.execute("PRAGMA trusted_schema = OFF")
        base.execute("PRAGMA query_only = ON")
        yield base
    finally:
        base.close()


def _beside(place: Path, ending: str) -> Path:
    return place.with_name(place.name + ending)


# ---------------------------------------------------------------------------------------------
# Writing


class Store:
    """A store that is open for writing; one process at a time.

    Parameters
    ----------
    path
        The file; it is made if it is not there.
    request
        What the answers are answers to, each item in words; equal to the store's own.
    about
        What else is needed to read the answers, such as labels; the newest is kept.
    repair
        Take what is intact of a damaged store into a new one in its place.

    Raises
    ------
    StoreError
        Another process writes to the store; it was made by another request; it is damaged
        and ``repair`` was not asked for; the disk is full; the file is not a store.
    """

    def __init__(
        self,
        path: str | Path,
        request: Mapping[str, str],
        about: Mapping[str, Any],
        *,
        repair: bool = False,
    ) -> None:
        self.path = Path(path)
        self.request = {**request, "layout of the store": FORMAT}
        self.digest = _digest(self.request)
        if self.path.is_dir():
            raise StoreError(f"{self.path}: this is a directory. Name a file in it")
        if not self.path.parent.is_dir():
            raise StoreError(f"{self.path}: there is no folder {str(self.path.parent)!r}")
        self._base: sqlite3.Connection | None = None
        self._lock = _Lock(_beside(self.path, "-lock"), self.path)
        try:
            self.rows = self._opened(dict(about), repair)
        except BaseException:
            self.close()
            raise

    def _opened(self, about: dict[str, Any], repair: bool) -> Mapping[int, tuple[bytes, bytes]]:
        """Return the records that are there."""
        with self._errors():
            if self._is_new():
                if self.path.exists() and self.path.suffix.lower() in _OTHERS:
                    raise StoreError(
                        f"{self.path}: this is an empty {self.path.suffix} file, not a store. "
                        "Name another file, or delete it first"
                    )
                self._base = _made(self.path, self.request, about)
                return {}
            found = read(self.path)
            differing = [
                f"{name}: {found.request.get(name, 'none')} there, "
                f"{self.request.get(name, 'none')} here"
                for name in {**self.request, **found.request}
                if found.request.get(name) != self.request.get(name)
            ]
            if differing:
                raise StoreError(
                    f"{self.path}: the store was made by another request; {'; '.join(differing)}. "
                    "Name another store, or ask for the same"
                )
            if not found.whole:
                if not repair:
                    raise StoreError(f"{self.path}: {damage(found)}. Repair keeps the rest")
                self._rewrite(found)
            self._base = _open(self.path)
            if json.dumps(found.about, sort_keys=True) != json.dumps(about, sort_keys=True):
                _retell(self._base, found.request, about)
            if found.loose:
                self.put((number, *found.rows[number]) for number in found.loose)
        return found.rows

    def _is_new(self) -> bool:
        """Return whether nothing was ever committed to the file."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            # A log without its file would be played into the new one.
            _unlink(_beside(self.path, "-wal"), _beside(self.path, "-shm"))
            return True
        try:
            with _reading(self.path) as base:
                empty = base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
                unused: int = base.execute("PRAGMA page_count").fetchone()[0]
        except (sqlite3.Error, UnicodeDecodeError):  # damaged, or something else
            return False
        return bool(empty) and unused <= 1

    def _rewrite(self, found: Contents) -> None:
        """Put a new store with the intact records in the place of a damaged one."""
        fresh = _beside(self.path, "-repaired")
        _unlink(fresh, _beside(fresh, "-wal"), _beside(fresh, "-shm"))
        base = _made(fresh, found.request, found.about)
        try:
            _insert(base, ((n, *found.rows[n]) for n in sorted(found.rows)))
        finally:
            base.close()
        # The old log must be gone first: it would be played into the new file.
        _unlink(_beside(self.path, "-wal"), _beside(self.path, "-shm"))
        os.replace(fresh, self.path)
        _sync_folder(self.path.parent)

    def put(self, rows: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Commit (number, key, value) records: when this returns they are on the disk.

        Raises
        ------
        StoreError
            They could not be written (the disk is full, say); none of them is there, and all
            earlier ones are.
        """
        assert self._base is not None
        with self._errors():
            if self._base.in_transaction:  # an earlier call was interrupted in the middle
                self._base.execute("ROLLBACK")
            try:
                _insert(self._base, rows)
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self.path}: the store cannot be written ({error}). What was committed is "
                "kept; when there is room and permission, the same request goes on from there"
            ) from error

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._base is not None:
            with suppress(sqlite3.Error):
                self._base.close()
            self._base = None
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def damage(found: Contents) -> str:
    """Return what is wrong with a store, in words."""
    parts = []
    if found.damaged:
        names = [_name_of(found.about, number) for number in found.damaged[:5]]
        more = f" and {len(found.damaged) - 5} more" if len(found.damaged) > 5 else ""
        parts.append(f"the checksum of {'; '.join(names)}{more} is wrong")
    if found.trouble:
        parts.append(f"SQLite says: {' '.join(found.trouble.split())}")
    return f"the store is damaged: {', and '.join(parts)}; {len(found.rows)} answers are intact"


def _name_of(about: Mapping[str, Any], number: int) -> str:
    """Return which answer a number stands for, in words."""
    regimes = about["regimes"]
    draw, regime = divmod(number, len(regimes))
    return f"draw {draw} under {regimes[regime]}"


def _made(path: Path, request: Mapping[str, str], about: Mapping[str, Any]) -> sqlite3.Connection:
    """Return a new store."""
    base = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        base.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        _settings(base)
        record = _manifest(request, about)
        base.execute("BEGIN IMMEDIATE")
        base.execute(f"PRAGMA application_id = {APPLICATION}")
        for table, kind in TABLES.items():
            base.execute(f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, record BLOB NOT NULL)")
            if kind == MANIFEST:
                base.execute(f"INSERT INTO {table} VALUES (0, ?)", (record,))
        base.execute("COMMIT")
        _sync_folder(path.parent)
    except BaseException:
        base.close()
        raise
    return base


def _manifest(request: Mapping[str, str], about: Mapping[str, Any]) -> bytes:
    text = json.dumps({"request": dict(request), "about": dict(about)}, sort_keys=True)
    return _record(MANIFEST, 0, b"", text.encode())


def _retell(base: sqlite3.Connection, request: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Put what is needed to read the answers anew, all copies of it or none."""
    record = _manifest(request, about)
    base.execute("BEGIN IMMEDIATE")
    for table, kind in TABLES.items():
        if kind == MANIFEST:
            base.execute(f"UPDATE {table} SET record = ? WHERE number = 0", (record,))
    base.execute("COMMIT")


def _open(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        _settings(base)
    except BaseException:
        base.close()
        raise
    return base


def _settings(base: sqlite3.Connection) -> None:
    base.execute("PRAGMA trusted_schema = OFF")
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")


def _insert(base: sqlite3.Connection, rows: Iterable[tuple[int, bytes, bytes]]) -> None:
    base.execute("BEGIN IMMEDIATE")
    base.executemany(
        "INSERT OR REPLACE INTO answers VALUES (?, ?)",
        ((number, _record(ROW, number, key, value)) for number, key, value in rows),
    )
    base.execute("COMMIT")


def _unlink(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make sure that a new name in a folder survives a loss of power."""
    if sys.platform != "win32":  # where folders cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------------------------------------
# One writer


class _Lock:
    """A lock that one process holds; the system frees it when the process ends, however."""

    def __init__(self, path: Path, store: Path) -> None:
        self.path = path
        self._handle: int | None = None
        while True:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise StoreError(
                    f"{store}: {path.name} cannot be made ({error.strerror})"
                ) from None
            try:
                _hold(handle)
            except OSError:
                with suppress(OSError):
                    who = os.read(handle, 64).decode("ascii", "replace").strip()
                os.close(handle)
                raise StoreError(
                    f"{store}: another process{f' ({who})' if who else ''} writes to this store. "
                    "Wait for it, or name another store; reading is possible meanwhile"
                ) from None
            # Whoever held it may have removed the file between opening and locking.
            with suppress(OSError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    break
            os.close(handle)
        self._handle = handle
        with suppress(OSError):  # a full disk: the name is a courtesy
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()}".encode())

    def release(self) -> None:
        """Let others have it."""
        if self._handle is not None:
            with suppress(OSError):
                self.path.unlink()
            os.close(self._handle)
            self._handle = None


_hold: Callable[[int], None]

if sys.platform == "win32":
    import msvcrt

    def _hold(handle: int) -> None:
        os.lseek(handle, 1 << 30, os.SEEK_SET)  # a byte that nobody reads
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
else:
    import fcntl

    def _hold(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
