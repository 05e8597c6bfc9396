"""Compiled modules of a bundle: kept as they are, made anew without a trace of this machine, or left to the target.

A pyc that Python writes itself is valid for one time and size of its source. Where times are made equal it could go stale, or
stay fresh over a source that changed; so it becomes one that is never checked (PEP 552), or goes.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bundler.binaries.patch import Literal as LiteralPiece
from bundler.binaries.patch import Patch, Range
from bundler.entries import Directory, Entry, Literal, Patched, Source
from bundler.environment import Interpreter
from bundler.errors import InterpreterFailed
from bundler.memory.compiled import Compiled, PycCache

_SCRIPT = os.path.join(os.path.dirname(__file__), "compile_script.py")
_PYC = re.compile(r"(?P<folder>.*/)?__pycache__/(?P<module>[^/]+)\.[^./]+(\.opt-\d)?\.pyc")
_HEADER = 16  # magic, flags, then time and size or a hash (PEP 552)
_UNCHECKED = 1
_BATCH = 64


def drop_compiled(entries: dict[str, Entry]) -> None:
    """Remove every pyc in a `__pycache__`, and the folders with it.

    A module that is nothing but a pyc lies elsewhere, and stays.
    """
    for path in [path for path in entries if path.endswith(".pyc") and _PYC.fullmatch(path)]:
        del entries[path]
    folders = {path.rpartition("/")[0] for path in entries}
    for path in [path for path in entries if path.endswith("/__pycache__") and path not in folders]:
        if isinstance(entries[path].content, Directory):
            del entries[path]


def drop_stale(entries: dict[str, Entry]) -> None:
    """Remove compiled modules whose source is changed: their time and size may still fit."""
    for path in list(entries):
        source = _source_of(path, entries)
        if source is not None and source.reason is not None:
            del entries[path]


def without_times(entries: dict[str, Entry]) -> None:
    """Make the pycs valid whatever the times of their sources: those that are valid now are never checked again, others go."""
    for path, entry in list(entries.items()):
        source = _source_of(path, entries)
        if source is None or not isinstance(entry.content, Source):
            continue
        with open(entry.content.path, "rb") as file:
            header = file.read(_HEADER)
        magic, flags, time, size = struct.unpack("<4sIII", header) if len(header) == _HEADER else (b"", 0, 0, 0)
        if flags:
            continue
        fits = isinstance(source.content, Source) and source.content.size & 0xFFFFFFFF == size
        if not fits or source.mtime_ns // 1_000_000_000 & 0xFFFFFFFF != time:
            del entries[path]
            continue
        pieces = (
            LiteralPiece(struct.pack("<4sI", magic, _UNCHECKED) + bytes(8)),  # a hash of the source that nobody checks
            Range(_HEADER, entry.content.size - _HEADER),
        )
        entries[path] = entry._replace(
            content=Patched(entry.content.path, Patch(pieces)), reason="valid whatever the time of its source"
        )


def _source_of(path: str, entries: Mapping[str, Entry]) -> Entry | None:
    if not path.endswith(".pyc"):
        return None
    match = _PYC.fullmatch(path)
    return entries.get(f"{match['folder'] or ''}{match['module']}.py") if match else None


def compile_all(
    entries: Mapping[str, Entry], interpreter: Interpreter, stdlib: str, python: str, folder: str, threads: int
) -> tuple[Entry, ...]:
    """Entries of a pyc for every module of the bundle that compiles, by `python`, through the cache below `folder`.

    Modules lie below `stdlib`, a bundle path.

    The name in the code is the bundle path; Python puts the real one in its place when it loads the module. Raises
    InterpreterFailed.
    """
    place = os.path.join(folder, f"{interpreter.cache_tag}-{interpreter.version}{interpreter.abi_thread}")
    os.makedirs(place, exist_ok=True)
    cache = PycCache(place)
    modules = [entry for path, entry in sorted(entries.items()) if _is_module(entry, stdlib)]
    with ThreadPoolExecutor(threads, thread_name_prefix="pyc") as pool:
        looked = list(pool.map(lambda entry: _look(entry, cache), modules, chunksize=_BATCH))
        found = {entry.path: compiled for entry, (_, compiled) in zip(modules, looked, strict=True) if compiled}
        missing = [(entry, key) for entry, (key, compiled) in zip(modules, looked, strict=True) if compiled is None]
        if missing:
            with tempfile.TemporaryDirectory(prefix=".new-", dir=place) as temporary:
                batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
                for made in pool.map(lambda batch: dict(_compile(batch, cache, python, temporary)), batches):
                    found.update(made)
    return tuple(_pyc_entries(modules, found, interpreter.cache_tag))


def _is_module(entry: Entry, stdlib: str) -> bool:
    return (
        entry.path.endswith(".py")
        and entry.path.startswith(stdlib + "/")
        and isinstance(entry.content, (Source, Literal))
    )


def _look(entry: Entry, cache: PycCache) -> tuple[str, Compiled | None]:
    """The key of a module, and what the cache has for it."""
    if isinstance(entry.content, Source):
        with open(entry.content.path, "rb", buffering=0) as file:
            data = file.readall()
    else:
        assert isinstance(entry.content, Literal)
        data = entry.content.data
    key = cache.key(data, entry.path)
    return key, cache.find(key)


def _compile(
    batch: Sequence[tuple[Entry, str]], cache: PycCache, python: str, temporary: str
) -> Iterator[tuple[str, Compiled]]:
    """Compile modules in one process of the environment's interpreter."""
    jobs = []
    for entry, key in batch:
        source = entry.content.path if isinstance(entry.content, Source) else os.path.join(temporary, f"{key}.py")
        if isinstance(entry.content, Literal):
            with open(source, "wb") as file:
                file.write(entry.content.data)
        jobs.append((source, entry.path, os.path.join(temporary, f"{key}.pyc")))
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-W", "ignore", _SCRIPT],
        input=json.dumps(jobs).encode(),
        capture_output=True,
        check=False,
        env={"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "/usr/bin:/bin")},
    )
    sizes = done.stdout.split()
    if done.returncode != 0 or len(sizes) != len(jobs):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InterpreterFailed(
            f"{python} could not compile the modules: {said[-1] if said else f'it ended with {done.returncode}'}",
            "--pyc keep takes the compiled modules that there are",
        )
    for (entry, key), (_, _, target), size in zip(batch, jobs, sizes, strict=True):
        yield entry.path, cache.put(key, None if size == b"-1" else target)


def _pyc_entries(modules: Sequence[Entry], found: Mapping[str, Compiled], cache_tag: str) -> Iterator[Entry]:
    for module in modules:
        compiled = found[module.path]
        if compiled.path is not None:
            folder, _, name = module.path.rpartition("/")
            path = f"{folder}/__pycache__/{name[:-3]}.{cache_tag}.pyc"
            content = Source(compiled.path, compiled.size)
            yield Entry(path, content, module.mode & 0o666, module.mtime_ns, module.layer, "bundler")
