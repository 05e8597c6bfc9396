"""A program and its libraries to patch, made once for each file of tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compile_c, make_program
from tests.cli.patched_program import EXTRA


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`app`, which asks for `libwhich.so` in `one` by a RUNPATH, and for libm, of which it uses nothing."""
    folder = tmp_path_factory.mktemp("made")
    make_program(folder, "-pie", "-fPIE", "-Wl,--no-as-needed", "-Wl,--enable-new-dtags", "-lm")
    compile_c(EXTRA, folder / "libextra.so", "-shared", "-fPIC", "-Wl,-soname,libextra.so")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy for one test."""
    return shutil.copytree(made, tmp_path / "copy")
