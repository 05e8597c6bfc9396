"""What stays with Windows and what comes along, by its name."""

from __future__ import annotations

import pytest

from bundler.systems.windows.policy import (
    REDISTRIBUTABLES,
    SYSTEM_DLLS,
    HostReason,
    asks_of_target,
    is_never_searched,
    stays_with_windows,
)
from bundler.systems.windows.rules import WINDOWS

VC = "Microsoft Visual C++ 2015-2022 Redistributable"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("api-ms-win-crt-runtime-l1-1-0.dll", HostReason.API_SET),
        ("EXT-MS-WIN-NTUSER-WINDOW-L1-1-0", HostReason.API_SET),
        ("KERNEL32.dll", HostReason.KNOWN),
        ("ucrtbase.dll", HostReason.KNOWN),
        ("msvcrt.dll", HostReason.KNOWN),
        ("ws2_32", HostReason.KNOWN),
        ("bcrypt.dll", HostReason.WINDOWS),
        ("WINSPOOL.DRV", HostReason.WINDOWS),
        ("d3dcompiler_47.dll", HostReason.WINDOWS),
        ("mfplat.dll", HostReason.OPTIONAL),
        ("vulkan-1.dll", HostReason.DRIVER),
        ("python313.dll", None),
        ("msvcp140.dll", None),
        ("vcruntime140_1.dll", None),
        ("d3dcompiler_43.dll", None),
        ("libcrypto-3.dll", None),
    ],
)
def test_a_dll_stays_for_a_reason_or_comes_along(name: str, reason: HostReason | None) -> None:
    assert stays_with_windows(name) is reason
    assert is_never_searched(name) is (reason in (HostReason.API_SET, HostReason.KNOWN))


def test_each_name_has_one_line() -> None:
    names = [name for line in SYSTEM_DLLS for name in line.names]
    runtimes = [name for names in REDISTRIBUTABLES.values() for name in names.split()]
    assert len({*names, *runtimes}) == len(names) + len(runtimes)
    assert all(name == name.lower() and not name.endswith(".dll") for name in (*names, *runtimes))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("kernel32.dll", None),
        ("api-ms-win-crt-math-l1-1-0.dll", None),
        ("MSVCP140.dll", VC),
        ("msvcr100.dll", "Microsoft Visual C++ 2010 Redistributable"),
        ("nvcuda.dll", "NVIDIA's driver"),
        ("mfplat.dll", "Media Foundation (N editions: Media Feature Pack)"),
        ("vendor.dll", ""),
    ],
)
def test_a_target_is_asked_for_what_not_every_windows_has(name: str, asked: str | None) -> None:
    assert asks_of_target(name) == asked == WINDOWS.asks_of_target(f"C:\\x\\{name}")
