"""Compiled modules: the same bytes in any order, never checked, without a path of this machine, and from the cache."""

from __future__ import annotations

import errno
import importlib.util
import json
import marshal
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType

import pytest

from bundler.entries import Directory, Entry, Layer, Literal, Patched, Source
from bundler.environment import Interpreter, load_environment
from bundler.errors import InterpreterFailed
from bundler.memory.compiled import Compiled, PycCache, pyc_folders
from bundler.options import Pyc
from bundler.plan import compiling
from bundler.plan.compiling import (
    compile_all,
    count_without_pyc,
    with_pycs,
    with_unchecked,
    without_pycs,
    without_stale,
)
from bundler.plan.settings import PlanSettings, Workspace
from bundler.scheme import BundleScheme
from tests.material.environments import clean
from tests.material.interpreters import Python, every_python, main_python
from tests.material.schemes import POSIX_312

PACKAGES = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
TAG = sys.implementation.cache_tag
SCHEME = replace(POSIX_312, stdlib=os.path.dirname(PACKAGES), site_packages=PACKAGES)
SOURCES = {
    "first.py": b'"""Words."""\nNAMES = ("alpha", "beta")\n\ndef alpha(beta):\n    return {"alpha", "beta", 1.5, b"x"}\n',
    "second.py": b"from first import alpha\n\nclass Beta:\n    alpha = alpha\n    names = frozenset(('alpha', 'gamma'))\n",
    "third.py": b"import os\ngamma = lambda alpha, *beta, os=os: (alpha, beta, os, 'gamma', 'a string with spaces')\n",
    "broken.py": b"print 'Python 2'\n",
    "latin.py": "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"),
}


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return load_environment(sys.prefix).interpreter


def entries_in(folder: Path, names: list[str]) -> dict[str, Entry]:
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name in names:
        (folder / name).write_bytes(SOURCES[name])
        content = Source(str(folder / name), len(SOURCES[name]))
        path = f"{PACKAGES}/{name}"
        entries[path] = Entry(path, content, 0o755, 1_500_000_000_000_000_000, Layer.PACKAGES, f"env:{name}")
    return entries


def compiled(
    entries: dict[str, Entry],
    interpreter: Interpreter,
    cache: Path,
    python: str = sys.executable,
    scheme: BundleScheme = SCHEME,
) -> dict[str, bytes]:
    """The pycs by the names of their modules."""
    found = {}
    for entry in compile_all(entries, interpreter, scheme, python, str(cache), 2):
        assert isinstance(entry.content, Source)
        assert entry.path.endswith(f".{TAG}.pyc") and "/__pycache__/" in entry.path
        assert (entry.mode, entry.layer, entry.origin) == (0o644, Layer.PACKAGES, "bundler")
        found[os.path.basename(entry.path).partition(".")[0]] = Path(entry.content.path).read_bytes()
        assert len(found[os.path.basename(entry.path).partition(".")[0]]) == entry.content.size
    return found


def names_in(code: CodeType) -> Iterator[str]:
    yield code.co_filename
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def test_bytes_do_not_tell_the_order_the_folder_or_the_company(tmp_path: Path, interpreter: Interpreter) -> None:
    names = list(SOURCES)
    one = compiled(entries_in(tmp_path / "one", names), interpreter, tmp_path / "cache-1")
    other = compiled(entries_in(tmp_path / "another folder", names[::-1]), interpreter, tmp_path / "cache-2")
    alone = compiled(entries_in(tmp_path / "alone", ["second.py"]), interpreter, tmp_path / "cache-3")
    assert one == other
    assert set(one) == {"first", "second", "third", "latin"}, "what does not compile has none"
    assert alone["second"] == one["second"]


def test_a_pyc_is_never_checked_and_names_the_bundle_only(tmp_path: Path, interpreter: Interpreter) -> None:
    for name, data in compiled(entries_in(tmp_path / "src", list(SOURCES)), interpreter, tmp_path / "cache").items():
        assert data[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(data[4:8], "little") == 1
        assert data[8:16] == importlib.util.source_hash(SOURCES[f"{name}.py"])
        assert set(names_in(marshal.loads(data[16:]))) == {f"{PACKAGES}/{name}.py"}
        assert os.fsencode(tmp_path) not in data


def changed_python(where: Path, code: str) -> str:
    """The path of a Python that runs `code` first (of one line, without double quotes)."""
    run = f"import os, runpy, sys; {code}; runpy.run_path(sys.argv[-1], run_name='__main__')"
    where.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{run}" "$@"\n')
    where.chmod(0o755)
    return str(where)


def test_where_nothing_forks_bytes_are_the_same(tmp_path: Path, interpreter: Interpreter) -> None:
    python = changed_python(tmp_path / "python", "del os.fork")
    entries = entries_in(tmp_path / "one", list(SOURCES))
    usual = compiled(entries, interpreter, tmp_path / "cache-1")
    assert compiled(entries, interpreter, tmp_path / "cache-2", python) == usual


def test_bytes_do_not_tell_what_the_process_knows(tmp_path: Path, interpreter: Interpreter) -> None:
    known = "known = [compile('alpha = beta = gamma = os = Beta = first = names = NAMES = 0', 'x', 'exec')]"
    entries = entries_in(tmp_path / "one", list(SOURCES))
    usual = compiled(entries, interpreter, tmp_path / "cache-1")
    python = changed_python(tmp_path / "python", f"{known}; sys.known = known")
    assert compiled(entries, interpreter, tmp_path / "cache-2", python) == usual


def test_a_source_that_ends_the_compiler_is_alone_in_having_no_pyc(tmp_path: Path, interpreter: Interpreter) -> None:
    fatal = "import builtins; real = compile"
    fatal += "; builtins.compile = lambda data, name, *a, **k: os.abort() if b'class Beta' in data else real(data, name, *a, **k)"
    python = changed_python(tmp_path / "python", fatal)
    entries = entries_in(tmp_path / "one", list(SOURCES))
    assert set(compiled(entries, interpreter, tmp_path / "cache", python)) == {"first", "third", "latin"}
    assert compiled(entries, interpreter, tmp_path / "cache", "/nonexistent/python").keys() == {
        "first",
        "third",
        "latin",
    }


def test_nothing_beside_the_script_is_taken_for_a_module_of_the_standard_library() -> None:
    names = {name.partition(".")[0] for name in os.listdir(os.path.dirname(compiling.SCRIPT))}
    assert not names & sys.stdlib_module_names


@pytest.mark.parametrize(
    "python",
    [
        pytest.param(each, id=str(each), marks=() if each == main_python() else pytest.mark.everything)
        for each in every_python()
    ],
)
def test_the_standard_library_gives_the_same_bytes_in_any_order(python: Python, tmp_path: Path) -> None:
    """In one process for all of it, forwards and backwards."""
    stdlib = Path(python.prefix, f"lib/python{python.version}")
    modules = sorted(
        path for folder in ("", "asyncio", "email", "json", "unittest") for path in (stdlib / folder).glob("*.py")
    )
    digests = []
    for number, order in enumerate((modules, modules[::-1])):
        (tmp_path / str(number)).mkdir()
        jobs = [[str(path), path.name, str(tmp_path / str(number) / f"{modules.index(path)}.pyc")] for path in order]
        command = [python.executable, "-S", "-B", "-W", "ignore", compiling.SCRIPT]
        env = {**clean(), "PYTHONHASHSEED": "0"}
        subprocess.run(command, input=json.dumps(jobs), text=True, check=True, stdout=subprocess.DEVNULL, env=env)
        digests.append({path.name: path.read_bytes() for path in (tmp_path / str(number)).iterdir()})
    assert digests[0] == digests[1]


def test_the_second_time_nothing_is_run(tmp_path: Path, interpreter: Interpreter) -> None:
    entries = entries_in(tmp_path / "src", list(SOURCES))
    before = compiled(entries, interpreter, tmp_path / "cache")
    assert compiled(entries, interpreter, tmp_path / "cache", python="/nonexistent/python") == before
    (tmp_path / "src/first.py").write_bytes(b"changed = 1\n")
    with pytest.raises((InterpreterFailed, FileNotFoundError)):
        compiled(entries, interpreter, tmp_path / "cache", python="/nonexistent/python")


def test_a_damaged_pyc_in_the_cache_is_not_used(tmp_path: Path, interpreter: Interpreter) -> None:
    entries = entries_in(tmp_path / "src", list(SOURCES))
    before = compiled(entries, interpreter, tmp_path / "cache")
    for path in (tmp_path / "cache").glob("*/*.pyc"):
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert compiled(entries, interpreter, tmp_path / "cache") == before


def test_modules_are_compiled_wherever_a_scheme_has_them(tmp_path: Path, interpreter: Interpreter) -> None:
    """Fedora's standard library lies below `lib64`, and pip's packages below `lib`."""
    entries = entries_in(tmp_path / "src", ["first.py"])
    apart = replace(SCHEME, stdlib=SCHEME.stdlib.replace("lib/", "lib64/"))
    assert count_without_pyc(entries, apart, TAG or "") == 1
    assert set(compiled(entries, interpreter, tmp_path / "cache", scheme=apart)) == {"first"}
    elsewhere = {"share/first.py": entries[f"{PACKAGES}/first.py"]._replace(path="share/first.py")}
    assert count_without_pyc(elsewhere, apart, TAG or "") == 0
    assert compiled(elsewhere, interpreter, tmp_path / "cache", scheme=apart) == {}


def test_a_python_that_cannot_compile_is_an_error(tmp_path: Path, interpreter: Interpreter) -> None:
    with pytest.raises(InterpreterFailed, match="could not compile"):
        compiled(entries_in(tmp_path / "src", ["first.py"]), interpreter, tmp_path / "cache", python="/bin/false")


def test_changed_modules_are_compiled_from_what_they_became(tmp_path: Path, interpreter: Interpreter) -> None:
    entries = entries_in(tmp_path / "src", ["first.py"])
    path = f"{PACKAGES}/first.py"
    entries[path] = entries[path]._replace(content=Literal(b"answer = 42\n"), reason="rewritten")
    data = compiled(entries, interpreter, tmp_path / "cache")["first"]
    assert data[8:16] == importlib.util.source_hash(b"answer = 42\n")


def test_all_pycs_go_but_those_that_are_modules_themselves() -> None:
    paths = [f"{PACKAGES}/a/__pycache__/m.{TAG}.pyc", f"{PACKAGES}/a/__pycache__/m.cpython-27.opt-1.pyc"]
    kept = [
        f"{PACKAGES}/a",
        f"{PACKAGES}/a/sourceless.pyc",
        f"{PACKAGES}/b/__pycache__",
        f"{PACKAGES}/b/__pycache__/data.txt",
    ]
    entries = {path: Entry(path, Literal(b""), 0o644, 0, Layer.PACKAGES, "env:") for path in [*paths, *kept]}
    for folder in (f"{PACKAGES}/a", f"{PACKAGES}/a/__pycache__", f"{PACKAGES}/b/__pycache__"):
        entries[folder] = Entry(folder, Directory(), 0o755, 0, Layer.PACKAGES, "env:")
    assert sorted(without_pycs(entries)) == sorted(kept)


def with_pyc(folder: Path, mtime: int, flags: int = 0) -> dict[str, Entry]:
    """A module, and a pyc that Python would have written for it at a time."""
    entries = entries_in(folder, ["first.py"])
    source = SOURCES["first.py"]
    data = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little")
    data += (
        mtime.to_bytes(4, "little") + len(source).to_bytes(4, "little") + marshal.dumps(compile(source, "x", "exec"))
    )
    (folder / "first.pyc").write_bytes(data)
    path = f"{PACKAGES}/__pycache__/first.{TAG}.pyc"
    entries[path] = Entry(path, Source(str(folder / "first.pyc"), len(data)), 0o644, 0, Layer.PACKAGES, "env:")
    return entries


def test_pycs_that_are_kept_stay_valid_when_times_change_or_go(tmp_path: Path) -> None:
    path = f"{PACKAGES}/__pycache__/first.{TAG}.pyc"
    entries = with_pyc(tmp_path, 1_500_000_000)
    content = with_unchecked(entries)[path].content
    assert isinstance(content, Patched)
    with open(content.path, "rb") as file:
        data = b"".join(content.patch.read(file))
    assert data[4:8] == b"\1\0\0\0"
    assert data[16:] == (tmp_path / "first.pyc").read_bytes()[16:]
    stale = with_pyc(tmp_path, 1_400_000_000)
    assert path not in with_unchecked(stale)
    checked = with_pyc(tmp_path, 1_400_000_000, flags=3)
    assert isinstance(with_unchecked(checked)[path].content, Source), (
        "one that is checked by content is right at any time"
    )


def test_a_pyc_of_a_changed_module_goes(tmp_path: Path) -> None:
    entries = with_pyc(tmp_path, 1_500_000_000)
    entries[f"{PACKAGES}/first.py"] = entries[f"{PACKAGES}/first.py"]._replace(reason="rewritten")
    assert f"{PACKAGES}/__pycache__/first.{TAG}.pyc" not in without_stale(entries)
    assert f"{PACKAGES}/__pycache__/first.{TAG}.pyc" in without_stale(with_pyc(tmp_path / "same", 1_500_000_000))


def test_a_cache_that_cannot_be_is_a_temporary_folder(tmp_path: Path) -> None:
    script = (
        "from bundler.memory.compiled import pyc_folders\n"
        "import os\n"
        "with pyc_folders() as folders:\n"
        "    assert all(map(os.path.isdir, folders))\n"
        "print(folders[0], os.path.exists(folders[0]))\n"
    )
    (tmp_path / "file").touch()
    for home, kept in ((tmp_path / "cache", True), (tmp_path / "file", False)):
        env = {**os.environ, "XDG_CACHE_HOME": str(home)}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
        assert done.stdout.split()[-1] == str(kept)
        assert done.stdout.startswith(str(tmp_path / "cache/bundler/pyc")) == kept


@pytest.mark.parametrize("fault", ["no folder", "full"])
def test_where_the_cache_cannot_be_written_to_modules_are_compiled_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    cache, spare = tmp_path / "cache", tmp_path / "spare"
    spare.mkdir()
    put = PycCache.put

    def full(self: PycCache, key: str, new: str | None) -> Compiled:
        if self.folder.startswith(str(cache)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return put(self, key, new)

    if fault == "full":
        monkeypatch.setattr(PycCache, "put", full)
        cache.mkdir()
    else:
        cache.touch()
    settings = PlanSettings(pyc=Pyc.COMPILE, threads=1, workspace=Workspace(pyc=(str(cache), str(spare))))
    environment = replace(load_environment(sys.prefix), scheme=SCHEME)
    entries = with_pycs(entries_in(tmp_path / "source", ["first.py"]), environment, settings)
    (pyc,) = (entry for path, entry in entries.items() if path.endswith(".pyc"))
    assert isinstance(pyc.content, Source) and pyc.content.path.startswith(str(spare))


def test_an_error_while_the_cache_is_in_use_is_that_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OSError, match="the disk is full"), pyc_folders():
        raise OSError("the disk is full")
