"""A free-threaded CPython 3.13, built from the source that Debian has, with its standard library below `lib64`, as Fedora does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.material.debian import debian_source
from tests.material.interpreters import Python
from tests.material.kept import kept
from tests.material.programs import need

_FLAGS = (
    "--disable-gil", "--with-platlibdir=lib64", "--enable-shared", "--disable-test-modules", "--without-doc-strings",
    "OPT=-O0 -DNDEBUG",
)  # fmt: skip


def free_threaded() -> Python:
    """The Python, in the cache; building it takes minutes."""
    need("gcc")
    need("make")
    prefix = kept("python-3.13t-lib64", _build) / "python"
    return Python(str(prefix / "bin/python3.13t"), "3.13", "built", str(prefix))


def _build(folder: Path) -> None:
    archive = debian_source("trixie", "python3.13", folder)
    prefix, source = folder / "python", folder / "source"
    source.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", source, "--strip-components=1"], check=True)
    commands = (
        ["./configure", "-q", f"--prefix={prefix}", f"LDFLAGS=-Wl,-rpath,{prefix}/lib", *_FLAGS],
        ["make", "-s", f"-j{os.cpu_count()}"],
        ["make", "-s", "install"],
    )
    for command in commands:
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"CPython is not built: {command[0]}: {done.stderr[-300:]}")
    shutil.rmtree(source)
