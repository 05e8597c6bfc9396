"""Where a path of Windows leads from a folder of the bundle."""

from __future__ import annotations

import pytest

from bundler.systems.windows.launchers.paths import target_of


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("..\\python.exe", "python.exe"),
        ("../python.exe", "python.exe"),
        (".\\x\\..\\..\\Python.exe", "Python.exe"),
        ("python.exe", "Scripts/python.exe"),
        ("..\\..\\python.exe", None),
        ("C:\\python.exe", None),
        ("C:python.exe", None),  # of the drive's own working directory
        ("\\python.exe", None),
        ("/usr/bin/python", None),
        ("\\\\server\\share\\python.exe", None),
        ("", None),
    ],
)
def test_a_relative_path_leads_into_the_bundle_and_no_other_does(path: str, target: str | None) -> None:
    assert target_of(path, "Scripts") == target
