"""Scripts of an older setuptools are told where the module that they import is gone."""

from __future__ import annotations

import pytest

from bundler.plan.old_scripts import check_old_scripts
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, Machine

OLD = """#!/srv/env/bin/python
# EASY-INSTALL-ENTRY-SCRIPT: 'tool==1','console_scripts','tool'
__requires__ = 'tool==1'
import sys
from pkg_resources import load_entry_point
sys.exit(load_entry_point('tool==1', 'console_scripts', 'tool')())
"""
NEWER = """#!/srv/env/bin/python
try:
    from importlib.metadata import distribution
except ImportError:
    from pkg_resources import load_entry_point
"""


def test_a_script_whose_pkg_resources_is_gone_is_named(machine: Machine) -> None:
    machine.put("env/bin/old", OLD)
    machine.put("env/bin/newer", NEWER)
    machine.put("env/bin/data", OLD.partition("\n")[2])
    (warning,) = check_old_scripts(machine.entries, machine.entries, POSIX_312)
    assert warning.startswith("bin/old imports pkg_resources")
    assert "the source fails there as well" in warning


def test_several_are_one_warning(machine: Machine) -> None:
    for name in ("one", "two"):
        machine.put(f"env/bin/{name}", OLD)
    assert check_old_scripts(machine.entries, machine.entries, POSIX_312)[0].startswith(
        "bin/one, bin/two import pkg_resources"
    )


@pytest.mark.parametrize("module", ["pkg_resources/__init__.py", "pkg_resources.py"])
def test_nothing_is_said_where_it_is_there(machine: Machine, module: str) -> None:
    machine.put("env/bin/old", OLD)
    machine.put(f"env/{SITE}/{module}")
    assert check_old_scripts(machine.entries, machine.entries, POSIX_312) == []


def test_another_package_s_copy_does_not_do(machine: Machine) -> None:
    machine.put("env/bin/old", OLD)
    machine.put(f"env/{SITE}/pip/_vendor/pkg_resources/__init__.py")
    assert len(check_old_scripts(machine.entries, machine.entries, POSIX_312)) == 1


def test_what_the_user_left_out_is_none_of_the_source_s_faults(machine: Machine) -> None:
    machine.put("env/bin/old", OLD)
    machine.put(f"env/{SITE}/pkg_resources/__init__.py")
    whole = machine.entries
    entries = {path: entry for path, entry in whole.items() if "pkg_resources" not in path}
    assert check_old_scripts(entries, whole, POSIX_312) == []
