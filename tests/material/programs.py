"""The programs that tests can use and that a machine may lack; each stands here once, with the package that has it.

`.ci/run` installs the packages, `scripts/without_tools.py` hides the programs, and tests ask here for them.
`python tests/material/programs.py` prints the packages. It needs no more than a Python: it runs before anything is installed.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import NoReturn

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "gcc libc6-dev": ("gcc", "g++", "cc", "c++", "cpp", "clang"),
    "make": ("make",),
    "binutils": ("ld", "ld.bfd", "ld.gold", "as", "ar", "readelf", "objdump", "objcopy", "strip"),
    "lld": ("lld", "ld.lld", "ld64.lld"),
    "mold": ("mold", "ld.mold"),
    "llvm": ("llvm-*",),
    "patchelf": ("patchelf",),
    "elfutils": ("eu-*",),
    "pkg-config": ("pkg-config", "pkgconf"),
    "libpq-dev": ("pg_config",),
    "python3-venv python3-dev python3-tk": (),
    "libmariadb3 libproj25": (),  # libraries with plugins, and with data
    "util-linux": ("unshare", "setpriv"),
    "dash": ("dash",),
    "busybox-static": ("busybox",),
    "zsh": ("zsh",),
    "fish": ("fish",),
    "ksh": ("ksh", "ksh93"),
    "mksh": ("mksh",),
    "yash": ("yash",),
    "tcsh": ("tcsh", "csh"),
    "xvfb": ("Xvfb",),
    "openssl": ("openssl",),
    "openssh-client": ("ssh-keygen",),
    "npm": ("npm", "node"),
    "chromium fonts-dejavu-core": ("chromium",),
    "debootstrap": ("debootstrap",),
    "qemu-user-static": ("qemu-*-static",),
    "strace": ("strace",),
    "gdb": ("gdb",),
    "rpm": ("rpm", "rpmbuild"),
    "squashfs-tools": ("mksquashfs", "unsquashfs"),
    "libarchive-tools": ("bsdtar", "bsdcpio"),
    "pigz": ("pigz",),
    "unzip": ("unzip",),
    "zstd": ("zstd", "zstdcat", "unzstd"),
    "xz-utils": ("xz", "xzcat", "unxz"),
    "bzip2": ("bzip2", "bzcat", "bunzip2"),
    "podman runc": ("podman", "runc"),
    "skopeo": ("skopeo",),
    "umoci": ("umoci",),
    "default-jre-headless": ("java",),
    "wine wine64": ("wine", "wineserver"),
    "osslsigncode": ("osslsigncode",),
    "systemd": ("systemd-analyze",),
    "debhelper dpkg-dev": ("dh", "dh_*", "dpkg-buildpackage", "dpkg-shlibdeps"),
}
"""By the words for `apt-get install`: the programs, as patterns."""
ESSENTIAL: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash",),
    "coreutils": ("readlink", "true"),
    "dpkg": ("dpkg", "dpkg-query"),
    "gzip": ("gzip",),
    "libc-bin": ("ldconfig",),
    "tar": ("tar",),
}
"""The same for what every Debian has, and other systems may lack: never hidden."""
NOT_FOR_CI = ("npm",)
"""Packages that CI does without: they bring hundreds of others."""
_TAR_STARTS = {".xz": "xz", ".bz2": "bzip2", ".zst": "zstd"}
_TARGET = re.compile(r".+-linux-(gnu|musl)[a-z0-9]*-(?=.)")  # x86_64-linux-gnu-gcc
_VERSION = re.compile(r"-[0-9.]+$")  # gcc-12


def is_optional(program: str) -> bool:
    """Whether a name is one of PACKAGES' programs, or a longer name of one (`x86_64-linux-gnu-gcc-12`)."""
    return _package_of(program, PACKAGES) is not None


def _package_of(program: str, packages: Mapping[str, tuple[str, ...]]) -> str | None:
    plain = _VERSION.sub("", _TARGET.sub("", program))
    for package, patterns in packages.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in (program, plain)):
            return package
    return None


def find(program: str) -> str | None:
    """The path of a program of these tables, or of its latest version where only versions are there (`llvm-otool-14`)."""
    _how_to_get(program)
    return shutil.which(program) or max(_versions(program), key=_version, default=None)


def need(program: str) -> str:
    """The path of a program of these tables; without it the test is skipped."""
    return find(program) or skip_without(program)


def need_unpacker(command: str, archive: str) -> list[str]:
    """The words of a command that unpacks an archive; skips without its program, or one that GNU tar starts for the suffix."""
    words = command.split()
    need(words[0])
    if words[0] == "tar" and (helper := _TAR_STARTS.get(os.path.splitext(archive)[1])):
        need(helper)
    return words


def skip_without(program: str) -> NoReturn:
    """Skip, with the words that install the program."""
    import pytest

    pytest.skip(f"no {program} here: {_how_to_get(program)}")


def _how_to_get(program: str) -> str:
    package = _package_of(program, {**PACKAGES, **ESSENTIAL})
    if package is None:
        raise LookupError(f"{program} does not stand in the tables of {__name__}")
    return f"apt-get install {package}"


def _versions(program: str) -> Iterator[str]:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for path in glob.glob(os.path.join(glob.escape(folder), f"{program}-[0-9]*")):
            if _VERSION.search(path) and os.access(path, os.X_OK):
                yield path


def _version(path: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.path.basename(path).rpartition("-")[2]))


if __name__ == "__main__":
    print(*(word for package in PACKAGES if package not in NOT_FOR_CI for word in package.split()))
