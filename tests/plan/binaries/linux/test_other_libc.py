"""Extension modules for another libc than the interpreter's are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.plan.binaries.linux.programs import other_libc_warnings
from bundler.platforms import Libc
from tests.systems.linux.test_closure import Machine


@pytest.mark.parametrize(
    ("needed", "libc", "fits"),
    [
        ("libc.so.6", Libc.MUSL, "musllinux"),
        ("ld-linux-x86-64.so.2", Libc.MUSL, "musllinux"),
        ("libc.musl-x86_64.so.1", Libc.GLIBC, "manylinux"),
        ("libc.so", Libc.GLIBC, "manylinux"),
        ("libc.so", Libc.MUSL, None),
        ("libc.so.6", Libc.GLIBC, None),
        ("libz.so.1", Libc.MUSL, None),
    ],
)
def test_a_module_that_names_another_libc_is_told(tmp_path: Path, needed: str, libc: Libc, fits: str | None) -> None:
    machine = Machine(tmp_path)
    module = machine.module(machine.library(f"host/{needed}"))
    told = [*other_libc_warnings([module], libc)]
    assert len(told) == (fits is not None)
    assert fits is None or (module.path in told[0] and f"a {fits} wheel" in told[0])
    assert [*other_libc_warnings([replace(module, brought=True)], libc)] == []
