"""Compiled modules of a bundle: kept as they are, made anew without a trace of this machine, or left to the target.

A pyc that Python writes itself is valid for one time and size of its source. Where times are made equal it could go stale, or
stay fresh over a source that changed; so it becomes one that is never checked (PEP 552), or goes.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bundler.binaries.patch import Literal as LiteralPiece
from bundler.binaries.patch import Patch, Range
from bundler.entries import Directory, Entry, Link, Literal, Patched, Source
from bundler.environment import Environment, Interpreter
from bundler.errors import InterpreterFailed
from bundler.files import opened
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.machine.variables import least_variables
from bundler.memory.compiled import Compiled, PycCache
from bundler.options import Pyc
from bundler.plan.origins import BUNDLER
from bundler.plan.overlay import Entries, overlaid, without
from bundler.plan.settings import PlanSettings
from bundler.scheme import BundleScheme

SCRIPT = os.path.join(os.path.dirname(__file__), "compile_script.py")
_PYC = re.compile(r"(?P<folder>.*/)?__pycache__/(?P<module>[^/]+)\.[^./]+(\.opt-\d)?\.pyc")
_HEADER = 16  # magic, flags, then time and size or a hash (PEP 552)
_UNCHECKED = 1
_BATCH = 64


def with_pycs(entries: Entries, environment: Environment, settings: PlanSettings) -> dict[str, Entry]:
    """The entries with compiled modules as the settings want them: kept where they stay valid, made anew, or left out.

    Raises InterpreterFailed where the environment's Python cannot compile.
    """
    if settings.pyc is Pyc.KEEP:
        kept = without_stale(entries)
        return kept if settings.epoch is None else with_unchecked(kept)
    bare = without_pycs(entries)
    if settings.pyc is Pyc.NONE:
        return bare
    return overlaid(bare, _compile_somewhere(bare, environment, settings))


def _compile_somewhere(entries: Entries, environment: Environment, settings: PlanSettings) -> tuple[Entry, ...]:
    """See `compile_all`: in the first folder that can be written to. A cache may be full, read-only, or another user's."""
    *others, last = settings.workspace.pyc
    interpreter, scheme = environment.interpreter, environment.scheme
    for folder in others:
        with contextlib.suppress(OSError, InterpreterFailed):
            return compile_all(entries, interpreter, scheme, environment.python, folder, settings.threads)
    return compile_all(entries, interpreter, scheme, environment.python, last, settings.threads)


def without_pycs(entries: Entries) -> dict[str, Entry]:
    """The entries without every pyc in a `__pycache__`, and without the folders that this empties.

    A module that is nothing but a pyc lies elsewhere, and stays.
    """
    kept = {path: entry for path, entry in entries.items() if not (path.endswith(".pyc") and _PYC.fullmatch(path))}
    folders = {path.rpartition("/")[0] for path in kept}
    emptied = {
        path
        for path, entry in kept.items()
        if path.endswith("/__pycache__") and path not in folders and isinstance(entry.content, Directory)
    }
    return without(kept, emptied)


def without_stale(entries: Entries) -> dict[str, Entry]:
    """The entries without compiled modules whose source is changed: their time and size may still fit."""
    sources = ((path, _source_of(path, entries)) for path in entries)
    return without(entries, {path for path, source in sources if source is not None and source.reason is not None})


def with_unchecked(entries: Entries) -> dict[str, Entry]:
    """The entries with pycs that are valid whatever the times of their sources: those that are valid now are never checked again.

    Others go.
    """
    result = dict(entries)
    for path, entry in entries.items():
        source = _source_of(path, entries)
        if source is None or not isinstance(entry.content, Source):
            continue
        with opened(entry.content.path) as file:
            header = file.read(_HEADER)
        magic, flags, time, size = struct.unpack("<4sIII", header) if len(header) == _HEADER else (b"", 0, 0, 0)
        if flags:
            continue
        fits = isinstance(source.content, Source) and source.content.size & 0xFFFFFFFF == size
        if not fits or source.mtime_ns // 1_000_000_000 & 0xFFFFFFFF != time:
            del result[path]
            continue
        pieces = (
            LiteralPiece(struct.pack("<4sI", magic, _UNCHECKED) + bytes(8)),  # a hash of the source that nobody checks
            Range(_HEADER, entry.content.size - _HEADER),
        )
        result[path] = entry._replace(
            content=Patched(entry.content.path, Patch(pieces)), reason="valid whatever the time of its source"
        )
    return result


def _source_of(path: str, entries: Entries) -> Entry | None:
    """The module that a compiled module belongs to; None for other paths."""
    if not path.endswith(".pyc"):
        return None
    match = _PYC.fullmatch(path)
    return entries.get(f"{match['folder'] or ''}{match['module']}.py") if match else None


def count_without_pyc(entries: Entries, scheme: BundleScheme, cache_tag: str) -> int:
    """Number of modules that Python compiles anew at each start where it cannot write."""
    folders = _module_folders(scheme)
    return sum(
        pyc_path(path, cache_tag) not in entries
        for path, entry in entries.items()
        if path.endswith(".py") and path.startswith(folders) and not isinstance(entry.content, Link)
    )


def pyc_path(path: str, cache_tag: str) -> str:
    """The bundle path of the pyc for the module at a bundle path."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name[:-3]}.{cache_tag}.pyc"


def _module_folders(scheme: BundleScheme) -> tuple[str, ...]:
    """How the bundle paths of modules begin."""
    folders = (scheme.stdlib, scheme.site_packages, scheme.system_site)
    return tuple(dict.fromkeys(f"{folder}/" for folder in folders))


def compile_all(
    entries: Entries, interpreter: Interpreter, scheme: BundleScheme, python: str, folder: str, threads: int
) -> tuple[Entry, ...]:
    """Entries of a pyc for every module of the bundle that compiles, by `python`, through the cache below `folder`.

    The name in the code is the bundle path; Python puts the real one in its place when it loads the module. Raises
    InterpreterFailed.
    """
    place = os.path.join(folder, f"{interpreter.cache_tag}-{interpreter.version}{interpreter.abi_thread}")
    os.makedirs(place, exist_ok=True)
    cache = PycCache(place)
    folders = _module_folders(scheme)
    modules = [entry for path, entry in sorted(entries.items()) if _is_module(entry, folders)]
    with ThreadPoolExecutor(threads, thread_name_prefix="pyc") as pool:
        looked = list(pool.map(lambda entry: _look(entry, cache), modules, chunksize=_BATCH))
        found = {entry.path: compiled for entry, (_, compiled) in zip(modules, looked, strict=True) if compiled}
        missing = [(entry, key) for entry, (key, compiled) in zip(modules, looked, strict=True) if compiled is None]
        if missing:
            with TemporaryFolder(".new-", place) as temporary:
                batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
                for made in pool.map(lambda batch: dict(_compile(batch, cache, python, temporary)), batches):
                    found.update(made)
    return tuple(_pyc_entries(modules, found, interpreter.cache_tag))


def _is_module(entry: Entry, folders: tuple[str, ...]) -> bool:
    return (
        entry.path.endswith(".py") and entry.path.startswith(folders) and isinstance(entry.content, (Source, Literal))
    )


def _look(entry: Entry, cache: PycCache) -> tuple[str, Compiled | None]:
    """The key of a module, and what the cache has for it."""
    if isinstance(entry.content, Source):
        with opened(entry.content.path) as file:
            data = file.read()
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
    least = least_variables()
    done = subprocess.run(
        [python, "-S", "-B", "-W", "ignore", SCRIPT],
        input=json.dumps(jobs).encode(),
        capture_output=True,
        check=False,
        env={**least, "PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", least["PATH"])},
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
            path, content = pyc_path(module.path, cache_tag), Source(compiled.path, compiled.size)
            yield Entry(path, content, module.mode & 0o666, module.mtime_ns, module.layer, BUNDLER)
