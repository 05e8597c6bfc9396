"""Whatever a file holds: no launcher, a changed one that is read as wished, or an error that says why not."""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import read_image
from bundler.binaries.pe.headers import read_headers
from bundler.binaries.pe.resources import read_resources
from bundler.errors import BinaryFormatError, CannotPatch
from bundler.systems.windows.launchers import LauncherKind, leads_to, read_launcher, relocated_launcher
from tests.binaries.pe.shapes import signed
from tests.material.launchers import distlib_launcher, footer_trampoline, resource_trampoline, setuptools_launcher

Damage = tuple[int, bytes]
"""Which of the places that matter, and the bytes that are written there."""
NUMBERS = st.sampled_from([0, 1, 0xFF, 0x1000, 0x7FFFFFFF, 0x80000000, 0x80000010, 0xFFFFFFFF])
BYTES = st.one_of(st.binary(min_size=1, max_size=8), NUMBERS.map(lambda number: number.to_bytes(4, "little")))
DAMAGES = st.lists(st.tuples(st.integers(0, 1 << 12), BYTES), min_size=1, max_size=3)
CUTS = st.integers(0, 400)


@functools.cache
def launchers() -> tuple[bytes, ...]:
    plain = (
        distlib_launcher(),
        footer_trampoline(),
        footer_trampoline(magic=b"UVPY", script=None),
        resource_trampoline(),
        resource_trampoline(script=None),
        setuptools_launcher(),
    )
    return (*plain, signed(plain[0]), signed(plain[3]))


@functools.cache
def places(data: bytes) -> tuple[int, ...]:
    """Offsets of headers, of what the resources' directories have, and of all that lies behind the sections."""
    headers = read_headers(io.BytesIO(data), len(data))
    found = [60, *range(headers.pe_offset, headers.section_table_end, 4)]
    for low, high in read_resources(io.BytesIO(data), headers).taken:
        start = headers.place(low, "a resource")[0]
        found += range(start, start + min(high - low, 64), 4)
    return (*found, *range(headers.contents_end, len(data), 3))


def damaged(data: bytes, damages: list[Damage], cut: int) -> bytes:
    where = places(data)
    for number, new in damages:
        at = where[number % len(where)]
        data = data[:at] + new + data[at + len(new) :]
    return data[: len(data) - cut // 8] if cut > 300 else data


def survive(data: bytes) -> None:
    start = time.process_time()
    launcher = read_launcher(data)
    if launcher is None:
        return
    try:
        new = relocated_launcher(data, launcher, "..\\python.exe")
    except CannotPatch as error:
        assert str(error)
        return
    finally:
        assert time.process_time() - start < 1
    after = read_launcher(new)
    assert after is not None
    assert after.kind is launcher.kind
    assert (after.arguments, after.gui, after.machine) == (launcher.arguments, launcher.gui, launcher.machine)
    if launcher.kind is not LauncherKind.SETUPTOOLS:
        assert leads_to(after, "Scripts") == ("pythonw.exe" if launcher.gui else "python.exe")
        headers = read_headers(io.BytesIO(new), len(new))
        assert headers.directory(c.SECURITY).size == 0
        if launcher.script is not None and after.script is not None:
            assert after.script.of(new) == launcher.script.of(data)
        before = read_headers(io.BytesIO(data), len(data))
        assert before.sections[:-1] == headers.sections[:-1] or launcher.kind is LauncherKind.UV
        assert imports(new) == imports(data)


def imports(data: bytes) -> object:
    try:
        return read_image(io.BytesIO(data)).imports
    except BinaryFormatError as error:
        return str(error)


def fuzz(examples: int) -> Callable[[Callable[[int, list[Damage], int], None]], Callable[[], None]]:
    """Run a test with so many damaged launchers."""

    def decorate(test: Callable[[int, list[Damage], int], None]) -> Callable[[], None]:
        given_all = given(number=st.integers(0, 7), damages=DAMAGES, cut=CUTS)
        return settings(max_examples=examples, deadline=None, suppress_health_check=[*HealthCheck])(given_all(test))

    return decorate


@fuzz(300)
def test_a_damaged_launcher_is_changed_or_refused(number: int, damages: list[Damage], cut: int) -> None:
    survive(damaged(launchers()[number], damages, cut))


@pytest.mark.everything
@fuzz(8000)
def test_many_damaged_launchers_are_changed_or_refused(number: int, damages: list[Damage], cut: int) -> None:
    survive(damaged(launchers()[number], damages, cut))


def test_every_undamaged_launcher_is_changed_or_refused() -> None:
    for data in launchers():
        assert read_launcher(data) is not None
        survive(data)
