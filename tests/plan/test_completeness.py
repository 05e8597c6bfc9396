"""A distribution that is not whole is told before it is packed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.errors import BundlerError
from bundler.plan.completeness import check_complete
from bundler.plan.system_site import with_system_site
from bundler.sysroot import Sysroot
from tests.plan.made_up import SITE, Machine

SUFFIX = ".cpython-312-x86_64-linux-gnu.so"


def check(machine: Machine) -> list[str]:
    return check_complete(machine.environment, machine.mounts, machine.entries)


def test_a_module_that_its_record_names_and_that_is_not_there_is_an_error(machine: Machine) -> None:
    machine.put(f"env/{SITE}/pkg/__init__.py")
    machine.install("pkg", "pkg/__init__.py,,", "pkg/gone.py,,", f"pkg/fast{SUFFIX},,")
    with pytest.raises(BundlerError, match=r"pkg 1 is not whole: its RECORD names pkg/gone.py and 1 more") as caught:
        check(machine)
    assert "--allow-incomplete" in caught.value.hint


def test_what_is_no_module_or_lies_elsewhere_may_be_missing(machine: Machine) -> None:
    machine.install(
        "pkg", "pkg/data.txt,,", "../../../bin/pkg,,", "pkg/__pycache__/x.cpython-312.pyc,,", "../../../share/x.py,,"
    )
    assert check(machine) == []


def test_what_the_system_s_package_leaves_out_is_a_warning(tmp_path: Path) -> None:
    """Debian's packages keep a RECORD and leave modules out; what pip put beside them is its promise as anywhere."""
    machine = Machine(tmp_path, base="usr", sysroot=Sysroot(str(tmp_path)))
    machine.install("pkg", "pkg/gone.py,,", root="usr")
    both = with_system_site(machine.environment)
    (warning,) = check_complete(both, machine.mounts, machine.entries)
    assert warning.startswith("pkg 1 is not whole") and "the system's package" in warning
    machine.install("pkg", "pkg/gone.py,,", root="usr", INSTALLER="pip\n")
    with pytest.raises(BundlerError, match="pkg 1 is not whole"):
        check_complete(both, machine.mounts, machine.entries)


def test_what_pip_did_not_end_is_an_error(machine: Machine) -> None:
    machine.put(f"env/{SITE}/pkg/__init__.py")
    machine.install("pkg", "pkg-1.dist-info/METADATA,,", "pkg-1.dist-info/RECORD,,", "pkg/__init__.py,,")
    with pytest.raises(BundlerError, match="pkg 1 is not whole: pip was interrupted"):
        check(machine)


def test_what_another_installer_wrote_is_no_fault_of_pip_s(machine: Machine) -> None:
    machine.put(f"env/{SITE}/pkg/__init__.py")
    machine.install("pkg", "pkg-1.dist-info/METADATA,,", "pkg/__init__.py,,", INSTALLER="cmake\n")
    check(machine)


@pytest.mark.parametrize(
    "rows",
    [
        ("pkg-1.dist-info/METADATA,,", "pkg/__init__.py,sha256=abc,0"),
        ("pkg-1.dist-info/METADATA,sha256=abc,20", "pkg/__init__.py,,"),
        ("pkg/__init__.py,,", "pkg-1.dist-info/METADATA,,"),
        ("pkg/__init__.py,,",),
    ],
)
def test_a_record_with_digests_without_order_or_without_metadata_is_another_installer_s(
    machine: Machine, rows: tuple[str, ...]
) -> None:
    machine.put(f"env/{SITE}/pkg/__init__.py")
    machine.install("pkg", *rows)
    check(machine)


def test_all_such_distributions_are_told_together(machine: Machine) -> None:
    machine.install("one", "one.py,,")
    machine.install("two", "two.py,,")
    with pytest.raises(BundlerError, match="2 problems"):
        check(machine)
