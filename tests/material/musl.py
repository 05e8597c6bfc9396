"""musl on this machine without installing it: Debian's packages, gcc with their specs, a root with musl, a CPython for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.material.debian import debian_packages, debian_source
from tests.material.interpreters import Python
from tests.material.kept import kept
from tests.material.programs import need

TRIPLET = "x86_64-linux-musl"
LOADER = "ld-musl-x86_64.so.1"
VERSION = "3.13"
_PACKAGES = ("musl", "musl-dev", "musl-tools", "linux-libc-dev")
_FLAGS = (
    "--enable-shared", "--without-ensurepip", "--disable-test-modules", "--without-doc-strings", "--without-readline",
    "OPT=-O0 -DNDEBUG",
)  # fmt: skip
_LIBRARIES = ("zlib", "libffi")


def musl_packages(release: str = "trixie") -> Path:
    """A Debian release's packages for who runs musl, unpacked: the loader, which is libc (1.2.5 in trixie), and busybox."""
    return debian_packages(release, ["musl", "busybox-static"], label="musl")


def musl_loader() -> Path:
    """The loader, which is libc."""
    _skip_on_other_machines()
    return musl_packages() / f"usr/lib/{TRIPLET}/libc.so"


def musl_root(where: Path, release: str = "trixie") -> Path:
    """A root directory with musl, busybox as its shell, folders to mount on, and nothing else."""
    packages = musl_packages(release)
    for folder in ("bin", "lib", "proc", "opt", "tmp", "dev/shm"):
        (where / folder).mkdir(parents=True)
    (where / "tmp").chmod(0o1777)
    shutil.copy(packages / f"usr/lib/{TRIPLET}/libc.so", where / "lib" / LOADER)
    shutil.copy(packages / "usr/bin/busybox", where / "bin/sh")
    return where


def musl_gcc() -> list[str]:
    """The command of a gcc whose programs are for musl; their loader is the one of `musl_python`, which this machine has."""
    _skip_on_other_machines()
    gcc = need("gcc")
    specs = kept("musl-development", _lay_out_development) / "musl-gcc.specs"
    return [gcc, "-specs", str(specs)]


def musl_python() -> Python:
    """A CPython with a shared libpython, in the cache; it brings the loader that it names. Building it takes minutes.

    Its libraries, `libz` and `libffi`, lie where that loader looks by itself, as a system's do.
    """
    command = musl_gcc()
    need("make")
    prefix = kept(f"python-{VERSION}-musl", lambda folder: _build(folder, command)) / "python"
    return Python(str(prefix / f"bin/python{VERSION}"), VERSION, "musl", str(prefix))


def _skip_on_other_machines() -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("what is for musl is built for x86-64 here")


def _lay_out_development(folder: Path) -> None:
    """The specs of musl-gcc with the places of the unpacked packages, and the kernel's headers beside musl's."""
    packages = debian_packages("bookworm", _PACKAGES, label="musl-development")
    include = packages / f"usr/include/{TRIPLET}"
    for name, place in (("linux", "linux"), ("asm-generic", "asm-generic"), ("x86_64-linux-gnu/asm", "asm")):
        if not (include / place).exists():
            shutil.copytree(packages / "usr/include" / name, include / place)
    text = (packages / f"usr/lib/{TRIPLET}/musl-gcc.specs").read_text()
    for place in ("include", "lib"):
        text = text.replace(f"/usr/{place}/{TRIPLET}", f"{packages}/usr/{place}/{TRIPLET}")
    (folder / "musl-gcc.specs").write_text(text)


def _build(folder: Path, gcc: list[str]) -> None:
    """A system in `system`, which has the loader and libraries, and a CPython in `python`."""
    system, prefix = folder / "system", folder / "python"
    (system / "lib").mkdir(parents=True)
    (system / "etc").mkdir()
    shutil.copy(musl_loader(), system / "lib" / LOADER)
    (system / "etc/ld-musl-x86_64.path").write_text(f"{system}/lib\n")
    loader = f"-Wl,--dynamic-linker={system}/lib/{LOADER}"
    compiler = folder / "musl-gcc"
    multiarch = f'[ "$*" != --print-multiarch ] || exec echo {TRIPLET}'  # else that of the system's gcc
    compiler.write_text(f'#!/bin/sh\n{multiarch}\nexec {" ".join(gcc)} {loader} "$@"\n')
    compiler.chmod(0o755)
    variables = {
        **os.environ,
        "CC": str(compiler),
        "CFLAGS": f"-O0 -fPIC -I{system}/include",
        "LDFLAGS": f"-L{system}/lib",
        "PKG_CONFIG_LIBDIR": f"{system}/lib/pkgconfig",
        "LD_LIBRARY_PATH": "",
    }
    for name in _LIBRARIES:
        _make(folder, debian_source_of(folder, "bookworm", name), [f"--prefix={system}"], variables)
    variables["LDFLAGS"] += f" -Wl,-rpath,{prefix}/lib"
    _make(
        folder,
        debian_source_of(folder, "trixie", f"python{VERSION}"),
        [f"--prefix={prefix}", f"--build={TRIPLET}", f"--libdir={prefix}/lib", *_FLAGS],
        variables,
    )


def debian_source_of(folder: Path, suite: str, package: str) -> Path:
    """The archive of a package's authors, in a folder of its own below `folder`."""
    (folder / package).mkdir()
    return debian_source(suite, package, folder / package)


def _make(folder: Path, archive: Path, options: list[str], variables: dict[str, str]) -> None:
    """Configure, make and install what is in an archive, without what it leaves behind."""
    source = folder / "source"
    source.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", source, "--strip-components=1"], check=True)
    for command in (["./configure", *options], ["make", "-s", f"-j{os.cpu_count()}"], ["make", "-s", "install"]):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, env=variables)
        if done.returncode != 0:
            pytest.skip(f"{archive.name} is not built for musl: {command[0]}: {done.stderr[-300:]}")
    shutil.rmtree(source)
