"""Systems with Linux that a bundle may go to, by name: what their glibc, C++ libraries, kernel and processors are.

Symbol versions are what was measured in each distribution's own container (pep600_compliance), or what the policy of wheels
promises (auditwheel). Kernels are those that a distribution came out with. A level of processors stands where the distribution asks
for one. What no source tells stays open, and is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bundler.floor import Release
from bundler.platforms import Libc, OperatingSystem, machine_named
from bundler.target import Target, Version

_MEASURED = "https://github.com/mayeut/pep600_compliance"
_POLICY = "https://github.com/pypa/auditwheel/blob/main/src/auditwheel/policy/manylinux-policy.json"
_KERNELS = "https://gist.github.com/richardlau/6a01d7829cc33ddab35269dacc127680"
_UBUNTU_KERNELS = "https://ubuntu.com/security/livepatch/docs/kernels"
_TRIXIE = "https://www.debian.org/releases/trixie/release-notes/whats-new.en.html"
_RHEL9 = "https://docs.redhat.com/en/documentation/red_hat_enterprise_linux/9/html/9.5_release_notes/architectures"
_LEVELS = "https://gitlab.com/redhat/centos-stream/src/kernel/centos-stream-9/-/merge_requests/3972"
_AMAZON = "https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html"
_AMAZON_KERNELS = "https://docs.aws.amazon.com/linux/al2/ug/aml2-kernel.html"
_RESOLUTE = "https://packages.ubuntu.com/resolute/libc-devtools"
_ALPINE = "https://www.alpinelinux.org/about/"
_PEP600 = "https://peps.python.org/pep-0600/"
_GLIBC = "https://sourceware.org/glibc/wiki/Glibc%20Timeline"


def _cxx(glibcxx: Version, cxxabi: Version, gcc: Version) -> Mapping[str, Version]:
    """The latest versions in libstdc++ (GLIBCXX, CXXABI) and libgcc_s (GCC, whose numbers are releases of the compiler)."""
    return {"GLIBCXX": glibcxx, "CXXABI": cxxabi, "GCC": gcc}


_GCC_4_8 = _cxx((3, 4, 19), (1, 3, 7), (4, 8))
_GCC_6 = _cxx((3, 4, 22), (1, 3, 10), (6,))
_GCC_7 = _cxx((3, 4, 24), (1, 3, 11), (7,))
_GCC_8 = _cxx((3, 4, 25), (1, 3, 11), (8,))
_GCC_10 = _cxx((3, 4, 28), (1, 3, 12), (10,))
_GCC_11 = _cxx((3, 4, 29), (1, 3, 13), (11,))
_GCC_12 = _cxx((3, 4, 30), (1, 3, 13), (12,))
_GCC_14 = _cxx((3, 4, 33), (1, 3, 15), (14,))
_GCC_15 = _cxx((3, 4, 34), (1, 3, 15), (15,))


def _glibc(
    name: str,
    title: str,
    release: Release,
    *sources: str,
    kernel: Release | None = None,
    symbols: Mapping[str, Version] | None = None,
    cpu_level: int = 1,
    aliases: tuple[str, ...] = (),
) -> Target:
    """One row."""
    return Target(
        name,
        title,
        OperatingSystem.LINUX,
        release,
        sources,
        Libc.GLIBC,
        kernel,
        cpu_level,
        symbols or {},
        aliases=aliases,
    )


DISTRIBUTIONS: tuple[Target, ...] = (
    _glibc("debian10", "Debian 10", (2, 28), _MEASURED, _KERNELS, kernel=(4, 19), symbols=_GCC_8),
    _glibc("debian11", "Debian 11", (2, 31), _MEASURED, _POLICY, _KERNELS, kernel=(5, 10), symbols=_GCC_10),
    _glibc("debian12", "Debian 12", (2, 36), _MEASURED, _KERNELS, kernel=(6, 1), symbols=_GCC_12),
    _glibc("debian13", "Debian 13", (2, 41), _MEASURED, _TRIXIE, kernel=(6, 12), symbols=_GCC_14),
    _glibc("ubuntu18.04", "Ubuntu 18.04", (2, 27), _MEASURED, _UBUNTU_KERNELS, kernel=(4, 15), symbols=_GCC_8),
    _glibc("ubuntu20.04", "Ubuntu 20.04", (2, 31), _MEASURED, _UBUNTU_KERNELS, kernel=(5, 4), symbols=_GCC_10),
    _glibc("ubuntu22.04", "Ubuntu 22.04", (2, 35), _MEASURED, _UBUNTU_KERNELS, kernel=(5, 15), symbols=_GCC_12),
    _glibc("ubuntu24.04", "Ubuntu 24.04", (2, 39), _MEASURED, _POLICY, _UBUNTU_KERNELS, kernel=(6, 8), symbols=_GCC_14),
    _glibc("ubuntu26.04", "Ubuntu 26.04", (2, 43), _RESOLUTE, _UBUNTU_KERNELS, kernel=(7, 0)),
    _glibc(
        "rhel7",
        "RHEL 7",
        (2, 17),
        _MEASURED,
        _KERNELS,
        kernel=(3, 10),
        symbols=_GCC_4_8,
        aliases=("centos7", "oracle7"),
    ),
    _glibc(
        "rhel8",
        "RHEL 8",
        (2, 28),
        _MEASURED,
        _KERNELS,
        kernel=(4, 18),
        symbols=_GCC_8,
        aliases=("centos8", "rocky8", "alma8", "oracle8"),
    ),
    _glibc(
        "rhel9",
        "RHEL 9",
        (2, 34),
        _MEASURED,
        _RHEL9,
        kernel=(5, 14),
        symbols=_GCC_11,
        cpu_level=2,
        aliases=("rocky9", "alma9", "oracle9"),
    ),
    # The rebuilds that have a variant for older processors (AlmaLinux's x86-64-v2) are no reason to ask for less.
    _glibc(
        "rhel10",
        "RHEL 10",
        (2, 39),
        _MEASURED,
        _KERNELS,
        _LEVELS,
        kernel=(6, 12),
        symbols=_GCC_14,
        cpu_level=3,
        aliases=("rocky10", "oracle10"),
    ),
    _glibc("amazon2", "Amazon Linux 2", (2, 26), _MEASURED, _AMAZON, _AMAZON_KERNELS, kernel=(4, 14), symbols=_GCC_7),
    _glibc(
        "amazon2023",
        "Amazon Linux 2023",
        (2, 34),
        _MEASURED,
        _AMAZON,
        _AMAZON_KERNELS,
        kernel=(6, 1),
        symbols=_GCC_11,
        aliases=("al2023",),
    ),
    _glibc("leap15.6", "openSUSE Leap 15.6", (2, 38), _MEASURED, symbols=_GCC_14),
    _glibc("fedora42", "Fedora 42", (2, 41), _MEASURED, symbols=_GCC_15),
    Target("alpine", "Alpine Linux", OperatingSystem.LINUX, None, (_ALPINE,), Libc.MUSL),
)
"""What is known of distributions: one row each."""

POLICIES: tuple[tuple[Release, Mapping[str, Version]], ...] = (
    ((2, 5), _cxx((3, 4, 8), (1, 3, 1), (4, 2))),
    ((2, 12), _cxx((3, 4, 13), (1, 3, 3), (4, 5))),
    ((2, 17), _GCC_4_8),
    ((2, 24), _GCC_6),
    ((2, 27), _GCC_7),
    ((2, 31), _GCC_10),
    ((2, 34), _GCC_11),
    ((2, 35), _GCC_12),
    ((2, 39), _GCC_14),
)
"""What a wheel for `manylinux_X_Y` may ask of the target's C++ libraries, from which X.Y on (auditwheel's policies)."""

LEGACY_TAGS: Mapping[str, Release] = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
"""Older names of three of them (PEP 600)."""

_TAG = re.compile(r"manylinux_(\d{1,2})_(\d{1,3})(?:_(\w+))?|(manylinux\d+)(?:_(\w+))?")
_PLAIN = re.compile(r"glibc(\d{1,2})\.(\d{1,3})")


def find_target(name: str) -> Target | None:
    """The system of a name: a distribution's, a tag of wheels (`manylinux_2_28`, with a machine or without), `glibc2.31`."""
    for target in DISTRIBUTIONS:
        if name == target.name or name in target.aliases:
            return target
    if match := _PLAIN.fullmatch(name):
        return _glibc(name, f"a Linux with glibc {match[1]}.{match[2]}", (int(match[1]), int(match[2])), _GLIBC)
    found = release_of_tag(name)
    if found is None:
        return None
    release, machine = found
    symbols = next((levels for first, levels in reversed(POLICIES) if release >= first), {})
    target = _glibc(name, name, release, _PEP600, _POLICY, symbols=symbols)
    return replace(target, machine=machine)


def release_of_tag(tag: str) -> tuple[Release, str] | None:
    """The glibc and the machine ("" for any) that a platform tag of wheels stands for; None for one that stands for none."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    machine = match[3] or match[5] or ""
    if machine and machine_named(machine) is None:
        return None
    if match[4] is None:
        return (int(match[1]), int(match[2])), machine
    release = LEGACY_TAGS.get(match[4])
    return None if release is None else (release, machine)


def target_names() -> tuple[str, ...]:
    """The names that can be listed: of patterns what is met most."""
    tags = (
        *LEGACY_TAGS,
        *(f"manylinux_{major}_{minor}" for (major, minor), _ in POLICIES if (major, minor) >= (2, 24)),
    )
    return (*(target.name for target in DISTRIBUTIONS), *tags, "manylinux_2_28", "glibc2.31")
