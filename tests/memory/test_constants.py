"""A library is searched for compiled-in paths once, until it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundler.binaries.elf.constant_strings import constant_paths
from bundler.memory.constants import ConstantsCache, open_constants_cache
from bundler.plan.binaries.linux import compiled_in
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.sysroot import HOST
from tests.binaries.elf.programs import compile_c


def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ConstantsCache:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return open_constants_cache(str(folder / "env"))


def named(library: Path, known: ConstantsCache) -> tuple[str, ...]:
    """The paths that a pack finds in a library, and leaves to the next pack."""
    found = CompiledInPaths(HOST, known).named(str(library))
    known.learn()
    return found


def test_a_library_is_searched_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    def counted(file: object, *others: object) -> object:
        searched.append(file)
        return constant_paths(file, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(compiled_in, "constant_paths", counted)
    library = tmp_path / "libit.so"
    for number, path in enumerate(("/usr/share", "/usr/bin"), 1):
        compile_c(f'const char *place(void) {{ return "{path}"; }}', library, "-shared", "-fPIC")
        os.utime(library, ns=(0, 0))
        for _ in range(2):
            assert named(library, cache(tmp_path, monkeypatch)) == (path,)
            assert len(searched) == number


def test_a_folder_that_is_gone_is_not_named_whatever_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = compile_c('const char *place(void) { return "/usr/share"; }', tmp_path / "libit.so", "-shared", "-fPIC")
    known = cache(tmp_path, monkeypatch)
    known.note(os.stat(library), ("/usr/share", "/usr/is-not-there"))
    known.learn()
    assert named(library, cache(tmp_path, monkeypatch)) == ("/usr/share",)
