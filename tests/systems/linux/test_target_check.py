"""What keeps files from running on a target: tables of facts, and the words in which it is told."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bundler.binaries.elf import Image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.notes import Note
from bundler.binaries.format import NO_VERSIONS, NeededVersion, SymbolVersions
from bundler.faults import FaultKind, Findings
from bundler.systems.bundle_view import Wheel
from bundler.systems.libraries import InBundle, Location, OnHost
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.target_check import target_findings
from bundler.systems.targets import target_named
from tests.material.schemes import POSIX_312
from tests.systems.linux.real_loader import image_of, program_of_this_machine
from tests.systems.views import View

MODULE = "lib/python3.12/site-packages/pkg/_core.so"
BUNDLED = "lib/bundled/libcrypt.so.1"
CXX, GCC = "libstdc++.so.6", "libgcc_s.so.1"


@pytest.fixture(autouse=True)
def on_x86_64() -> None:
    if image_of(program_of_this_machine()).machine != c.EM_X86_64:
        pytest.skip("needs programs of x86-64")


def plain() -> Image:
    """The headers of a library that asks for nothing."""
    image = image_of(program_of_this_machine())
    return replace(image, interpreter=None, notes=(), stub=None)


def libc(*versions: str, library: str = "libc.so.6", weak: bool = False) -> SymbolVersions:
    return SymbolVersions(tuple(NeededVersion(library, version, weak, ("f", "g", "h")) for version in versions))


def found(
    target: str,
    versions: SymbolVersions = NO_VERSIONS,
    *,
    path: str = MODULE,
    image: Image | None = None,
    needs: Mapping[str, Location] | None = None,
    loader: str = "",
    wheels: Mapping[str, Wheel] | None = None,
    users: Mapping[str, tuple[str, ...]] | None = None,
) -> Findings:
    """What is told of one file."""
    file = ElfFile(path, f"/env/{path}", image or plain())
    view = View({}, loader=loader, versions={path: versions}, wheels=wheels or {}, users=users or {})
    return target_findings([file], {path: needs or {}}, view, target_named(target))


def messages(findings: Findings) -> list[str]:
    assert all(fault.kind is FaultKind.TARGET for fault in findings.faults)
    return [fault.message for fault in findings.faults]


def test_a_later_glibc_is_named_with_some_of_what_it_is_for() -> None:
    versions = libc("GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.33")
    assert messages(found("debian11", versions)) == [
        "needs GLIBC_2.34 (f, g and 1 more), GLIBC_2.33 (f, g and 1 more); debian11 has glibc 2.31"
    ]
    assert messages(found("manylinux_2_34", versions)) == []


@pytest.mark.parametrize(
    ("version", "target", "runs"),
    [
        ("GLIBC_2.31", "glibc2.31", True),
        ("GLIBC_2.32", "glibc2.31", False),
        ("GLIBC_2.3.4", "rhel7", True),
        ("GLIBC_ABI_DT_RELR", "debian11", False),
        ("GLIBC_ABI_DT_RELR", "debian12", True),
        ("GLIBC_ABI_OF_TOMORROW", "ubuntu26.04", False),
        ("GLIBC_PRIVATE", "rhel7", True),
    ],
)
def test_versions_are_compared_by_their_releases(version: str, target: str, runs: bool) -> None:
    assert (messages(found(target, libc(version))) == []) is runs


def test_what_is_needed_weakly_may_be_missing() -> None:
    assert messages(found("rhel7", libc("GLIBC_2.34", weak=True))) == []


def test_a_libc_of_the_bundle_s_own_leaves_kernel_and_processor_to_ask_for() -> None:
    needs: dict[str, Location] = {"libc.so.6": InBundle("lib/bundled/libc.so.6")}
    for target in ("debian11", "alpine"):
        assert found(target, libc("GLIBC_2.36"), needs=needs, loader="lib/bundled/ld.so") == Findings([], [])
    late = replace(plain(), notes=(abi_note(4, 11),))
    assert messages(found("rhel7", image=late, needs=needs, loader="lib/bundled/ld.so")) == [
        "needs Linux 4.11 or later (its ABI note); rhel7 came out with Linux 3.10"
    ]
    assert messages(found("rhel8", image=late)) == []


def test_another_libc_than_glibc_is_one_fault_for_all_files() -> None:
    (fault,) = found("alpine", libc("GLIBC_2.36")).faults
    assert fault.path == POSIX_312.executable
    assert fault.message == "needs glibc; alpine has musl"
    assert "--libc bundle" in fault.hint


@pytest.mark.parametrize(
    ("library", "version", "target", "runs"),
    [
        (CXX, "GLIBCXX_3.4.28", "debian11", True),
        (CXX, "GLIBCXX_3.4.29", "debian11", False),
        (CXX, "CXXABI_1.3.13", "debian11", False),
        (CXX, "CXXABI_FLOAT128", "rhel7", True),
        (GCC, "GCC_12.0.0", "rhel9", False),
        (GCC, "GCC_12.0.0", "debian12", True),
        (GCC, "GCC_7.0.0", "amazon2", True),
        (GCC, "GCC_3.0", "rhel7", True),
    ],
)
def test_c_plus_plus_libraries_count_where_they_are_the_host_s(
    library: str, version: str, target: str, runs: bool
) -> None:
    versions = libc(version, library=library)
    assert (messages(found(target, versions, needs={library: OnHost()})) == []) is runs
    assert messages(found(target, versions, needs={library: InBundle(f"lib/bundled/{library}")})) == []


def test_the_target_s_level_is_told() -> None:
    (fault,) = found("debian11", libc("GLIBCXX_3.4.30", library=CXX), needs={CXX: OnHost()}).faults
    assert fault.message == (
        "needs GLIBCXX_3.4.30 (f, g and 1 more) of the host's library; debian11 has GLIBCXX_3.4.28"
    )
    assert f"take {CXX} along" in fault.hint


@pytest.mark.parametrize(
    ("library", "version", "target"),
    [("libssl.so.3", "OPENSSL_3.0.0", "debian12"), (CXX, "GLIBCXX_3.4.30", "glibc2.36")],
)
def test_what_no_table_tells_is_said(library: str, version: str, target: str) -> None:
    findings = found(target, libc(version, library=library), needs={library: OnHost()})
    assert findings == Findings([], [f"what {target} has of {library} is not known: it was not looked at"])


def abi_note(*release: int) -> Note:
    """NT_GNU_ABI_TAG for a release of Linux."""
    return Note(b"GNU", 1, struct.pack("<4I", 0, *release, 0), 0, 0)


def level_note(bits: int) -> Note:
    """GNU_PROPERTY_X86_ISA_1_NEEDED."""
    return Note(b"GNU", 5, struct.pack("<4I", 0xC0008002, 4, bits, 0), 0, 0)


@pytest.mark.parametrize(("target", "runs"), [("debian12", False), ("rhel9", False), ("rhel10", True)])
def test_a_level_of_processors_counts(target: str, runs: bool) -> None:
    image = replace(plain(), notes=(level_note(0b100),))
    told = messages(found(target, image=image))
    assert told == (
        [] if runs else [f"needs a processor of the level x86-64-v3; {target} runs on all of {has(target)}"]
    )
    copy = "lib/glibc-hwcaps/x86-64-v3/libx.so"
    assert messages(found(target, path=copy, image=image)) == [], "the loader takes what fits"


def has(target: str) -> str:
    return "x86-64-v2" if target == "rhel9" else "x86-64"


@pytest.mark.parametrize(
    ("target", "loader", "refused"),
    [("debian13", "", True), ("debian12", "", False), ("debian13", "lib/bundled/ld.so", False)],
)
def test_executable_stacks_count_where_the_target_s_loader_refuses_them(
    target: str, loader: str, refused: bool
) -> None:
    image = plain()
    segments = tuple(
        segment._replace(flags=segment.flags | c.PF_X) if segment.type == c.PT_GNU_STACK else segment
        for segment in image.segments
    )
    findings = found(target, image=replace(image, segments=segments), loader=loader)
    assert bool(findings.faults) is refused
    if refused:
        assert findings.faults[0].hint == "--fix-execstack clears the flag"


def hint(path: str, wheel: Wheel | None = None, users: tuple[str, ...] = ()) -> str:
    wheels = {path: wheel} if wheel is not None else {}
    (fault,) = found("manylinux_2_28", libc("GLIBC_2.34"), path=path, wheels=wheels, users={path: users}).faults
    return fault.hint


def test_a_wheel_s_tags_are_told_and_which_are_wanted() -> None:
    wheel = Wheel("pkg", "2.0", ("manylinux_2_34_x86_64",))
    told = hint(MODULE, wheel)
    assert "pkg 2.0 is a wheel for manylinux_2_34_x86_64: wanted is one for manylinux_2_28_x86_64 or older" in told
    assert "--libc bundle" in told and "--exclude _core.so" in told


def test_a_wheel_that_asks_for_more_than_its_tag_says_is_told() -> None:
    wheel = Wheel("pkg", "2.0", ("manylinux_2_17_x86_64", "manylinux2014_x86_64"))
    assert "manylinux_2_17_x86_64 and manylinux2014_x86_64: which is not true" in hint(MODULE, wheel)


@pytest.mark.parametrize("platforms", [("linux_x86_64",), ()])
def test_what_was_built_where_it_was_installed_is_told(platforms: tuple[str, ...]) -> None:
    assert "pkg 2.0 was built where it was installed" in hint(MODULE, Wheel("pkg", "2.0", platforms))


def test_a_library_of_the_packing_machine_and_python_are_told() -> None:
    told = hint(BUNDLED, users=("lib/python3.12/lib-dynload/_crypt.so",))
    assert "the packing machine's own, and _crypt.so needs it" in told and "--exclude-lib libcrypt.so.1" in told
    for path in (POSIX_312.executable, f"{POSIX_312.dynload}/_ssl.so"):
        assert "take a Python that was built for" in hint(path)
