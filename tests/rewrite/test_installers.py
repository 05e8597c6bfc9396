"""What makers of environments write beside the packages, and what only looks like it."""

from __future__ import annotations

import pytest

from bundler.rewrite.installers import is_makers_script


@pytest.mark.parametrize(
    "name",
    [
        *("python", "python3", "python3.12", "python3.13t", "python3.13td", "pythonw"),
        *("activate", "activate.fish", "activate.nu", "Activate.ps1", "deactivate.bat", "pydoc.bat"),
    ],
)
def test_the_interpreter_and_activation_scripts_are_the_makers(name: str) -> None:
    assert is_makers_script(name)


@pytest.mark.parametrize(
    "name",
    [
        "python3.12-config",
        "python-argcomplete",
        "ipython",
        "pydoc3",
        "activate_this.py",
        "activate.model",
        "reactivate",
    ],
)
def test_other_scripts_are_not(name: str) -> None:
    assert not is_makers_script(name)
