"""A machine is the same under every name that a system gives it."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from bundler.platforms import (
    AARCH64,
    MACHINES,
    X86_64,
    Libc,
    Machine,
    OperatingSystem,
    Platform,
    machine_named,
    runs_here,
    this_platform,
)


@pytest.mark.parametrize(
    ("system", "name", "machine"),
    [
        ("linux", "x86_64", X86_64),
        ("linux", "aarch64", AARCH64),
        ("darwin", "x86_64", X86_64),
        ("darwin", "arm64", AARCH64),
        ("win32", "AMD64", X86_64),
        ("win32", "ARM64", AARCH64),
    ],
)
def test_the_running_platform_is_known_by_the_name_that_its_system_gives_the_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str, machine: Machine
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=name))
    here = this_platform()
    assert here == Platform(OperatingSystem(system), (machine,))
    assert here.machine_names == (name,)
    assert runs_here(Platform(OperatingSystem(system), (Machine("other", 64, "little"), machine)))
    assert not runs_here(Platform(OperatingSystem(system), (Machine("other", 64, "little"),)))


def test_programs_of_another_system_do_not_run_on_the_same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="aarch64"))
    assert not runs_here(Platform(OperatingSystem.MACOS, (AARCH64,)))


def test_no_name_means_two_machines() -> None:
    names = [name for machine in MACHINES for name in (machine.name, *(alias for _, alias in machine.aliases))]
    assert len(names) == len(set(names))
    assert all(machine_named(machine.name) is machine for machine in MACHINES)
    assert machine_named("pdp11") is None


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Platform(OperatingSystem.LINUX, (AARCH64,), Libc.GLIBC), "Linux on aarch64 (glibc)"),
        (Platform(OperatingSystem.MACOS, (X86_64, AARCH64)), "macOS on x86_64 and arm64"),
        (Platform(OperatingSystem.WINDOWS, (X86_64,)), "Windows on AMD64"),
    ],
)
def test_a_platform_is_told_in_its_systems_own_words(wanted: Platform, text: str) -> None:
    assert wanted.text == text
