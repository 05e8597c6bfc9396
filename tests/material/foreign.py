"""Roots of other machines: Debian's Python for them, unpacked and never installed; and emulation that nobody else sees.

A process tree of another machine runs in a user namespace of its own, where qemu is registered for the machine's executables
(binfmt_misc, Linux 6.7 and later): this machine's own registrations stay as they are.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from tests.material.debian import debian_packages
from tests.material.environments import FIXTURES, clean, run
from tests.material.isolation import ENVIRONMENT, LIBC_FAMILY
from tests.material.kept import kept
from tests.material.programs import need

SUITE, VERSION = "bookworm", "3.11"
_PACKAGES = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "python3-pip-whl", "python3-setuptools-whl",
    "libc6", "libc-bin", "libgcc-s1", "libstdc++6", "libcrypt1", "libssl3", "libffi8", "libsqlite3-0", "zlib1g", "libexpat1",
    "libbz2-1.0", "liblzma5", "libreadline8", "libtinfo6", "libncursesw6", "libuuid1", "libnsl2", "libtirpc3",
    "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0", "libcom-err2", "libkeyutils1", "libdb5.3", "dash",
)  # fmt: skip


@dataclass(frozen=True)
class Foreign:
    """A machine: its name, Debian's name for it, the emulator, the words in its executables' header, a wheel built for it."""

    name: str
    debian: str
    multiarch: str
    loader: str
    bits: int
    order: str
    number: int
    wheel: str
    tags: tuple[str, ...]
    module: str

    @property
    def qemu(self) -> str:
        word = {"armv7l": "arm", "i686": "i386"}.get(self.name, self.name)
        return need(f"qemu-{word}-static")

    def __str__(self) -> str:
        return self.name


AARCH64 = Foreign(
    "aarch64", "arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1", 64, "little", 183,
    "numpy==1.26.4", ("manylinux2014_aarch64",), "numpy.linalg",
)  # fmt: skip
S390X = Foreign(
    "s390x", "s390x", "s390x-linux-gnu", "ld64.so.1", 64, "big", 22, "cffi", ("manylinux2014_s390x",), "_cffi_backend"
)
ARMV7L = Foreign(
    "armv7l", "armhf", "arm-linux-gnueabihf", "ld-linux-armhf.so.3", 32, "little", 40,
    "MarkupSafe", ("manylinux_2_31_armv7l", "manylinux_2_17_armv7l"), "markupsafe._speedups",
)  # fmt: skip
I686 = Foreign(
    "i686", "i386", "i386-linux-gnu", "ld-linux.so.2", 32, "little", 3,
    "MarkupSafe<3", ("manylinux2014_i686", "manylinux_2_5_i686"), "markupsafe._speedups",
)  # fmt: skip


X86_64 = Foreign("x86_64", "amd64", "x86_64-linux-gnu", "ld-linux-x86-64.so.2", 64, "little", 62, "", (), "")


def this_machine() -> Foreign | None:
    """The one of these that the tests run on."""
    return next((item for item in (AARCH64, S390X, I686, X86_64) if item.name == os.uname().machine), None)


def root_of(machine: Foreign, where: Path) -> Path:
    """A root with the machine's Python, as an unpacked image has it: links and texts are names as seen from inside."""
    shutil.copytree(debian_packages(SUITE, _PACKAGES, machine.debian), where, symlinks=True)
    for name in ("bin", "lib"):
        (where / name).symlink_to(f"usr/{name}")
    if (where / "usr/lib64").is_dir():
        (where / "lib64").symlink_to("usr/lib64")
    (where / "usr/bin/python3").symlink_to(f"/usr/bin/python{VERSION}")
    for folder in ("proc", "dev", "tmp"):
        (where / folder).mkdir(exist_ok=True)
    return where


def venv_in(root: Path, name: str, wheels: Sequence[Path] = ()) -> Path:
    """A venv at the name `name` in the root, laid out as `venv` does it, with wheels unpacked into it and one script."""
    folder = root / name[1:]
    packages = folder / f"lib/python{VERSION}/site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/python3").symlink_to("/usr/bin/python3")
    for link in ("python", f"python{VERSION}"):
        (folder / "bin" / link).symlink_to("python3")
    (folder / "lib64").symlink_to("lib")
    (folder / "pyvenv.cfg").write_text(
        "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\nexecutable = /usr/bin/python3.11\n"
        f"command = /usr/bin/python3 -m venv {name}\n"
    )
    script = folder / "bin/where"
    script.write_text(f"#!{name}/bin/python3\nimport sys\nprint(sys.prefix)\n")
    script.chmod(0o755)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    return folder


def wheel_of(machine: Foreign) -> Path:
    """The machine's sample wheel, from the package index."""
    platforms = [f"--platform={tag}" for tag in machine.tags]
    command = [sys.executable, "-m", "pip", "download", "-q", *platforms, "--only-binary=:all:", "--no-deps"]
    command += ["--python-version", VERSION, machine.wheel]

    def download(folder: Path) -> None:
        done = subprocess.run([*command, "-d", folder], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"pip cannot fetch {machine.wheel} for {machine}: {done.stderr[-300:]}")

    return next(kept(f"wheels-{machine.name}", download).glob("*.whl"))


def bare_root_of(machine: Foreign, full: Path, where: Path) -> Path:
    """A root directory with the machine's libc family, a shell, the emulator, and nothing else."""
    for folder in ("bin", "proc", "dev", "tmp", "opt/app", "lib"):
        (where / folder).mkdir(parents=True)
    (where / "lib64").symlink_to("lib")
    for pattern in LIBC_FAMILY:
        for file in glob.glob(f"{full}/usr/lib/{machine.multiarch}/{pattern}"):
            shutil.copy(file, where / "lib")
    shutil.copy(full / "usr/lib" / machine.loader, where / "lib")
    shutil.copy(full / "usr/bin/dash", where / "bin/sh")
    shutil.copy(machine.qemu, where / "emulator")
    return where


@cache
def private_binfmt() -> bool:
    """Whether a user namespace has registrations of its own."""
    command = [need("unshare"), "-Urm", "sh", "-c", "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def emulated(
    machine: Foreign, root: Path, bundle: Path, command: Sequence[str], env: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """Run a command of the machine in a root directory with the bundle at `/opt/app`, read-only, and /proc."""
    if not private_binfmt():
        pytest.skip("needs binfmt_misc in user namespaces (Linux 6.7 or later)")
    script = (
        'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && printf "%s" "$4" > /proc/sys/fs/binfmt_misc/register'
        ' && mount --bind "$2" "$1/opt/app" && mount -o remount,bind,ro "$1/opt/app" && mount --rbind /proc "$1/proc"'
        ' || exit 99; root=$1 chroot=$3; shift 4; exec "$chroot" "$root" "$@"'
    )
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    variables = [f"{key}={value}" for key, value in env.items()]
    shell = shutil.which("sh") or "sh"
    start = ["unshare", "-Urm", "env", "-i", *variables, shell, "-c", script, "sh"]
    places = [str(root), str(bundle), chroot, registration(machine)]
    return subprocess.run([*start, *places, *command], capture_output=True, text=True, check=False)


def with_emulator(
    machine: Foreign, bare: Path | None, command: Sequence[str | Path]
) -> subprocess.CompletedProcess[str]:
    """Run a command of this machine where the emulator is registered, and where `/lib` has the libc family of `bare`, too."""
    if not private_binfmt():
        pytest.skip("needs binfmt_misc in user namespaces (Linux 6.7 or later)")
    script = (
        'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && printf "%s" "$1" > /proc/sys/fs/binfmt_misc/register'
        ' && { [ -z "$2" ] || mount -t overlay overlay -o "lowerdir=$2/lib:$(realpath /lib)" "$(realpath /lib)"; } || exit 99'
        '; shift 2; exec "$@"'
    )
    start = ["unshare", "-Urm", shutil.which("sh") or "sh", "-c", script, "sh", registration(machine), str(bare or "")]
    env = {**clean(), "PYTHONPATH": str(FIXTURES.parent)}
    return subprocess.run([*start, *command], capture_output=True, text=True, check=False, env=env)


def registration(machine: Foreign) -> str:
    """The line for binfmt_misc: executables of the machine, by their header, run under its emulator (kept open, F)."""
    order: Literal["little", "big"] = "little" if machine.order == "little" else "big"
    data = 1 if order == "little" else 2
    magic = b"\x7fELF" + bytes((machine.bits // 32, data, 1, *bytes(9)))
    magic += (2).to_bytes(2, order) + machine.number.to_bytes(2, order)
    mask = b"\xff" * 7 + bytes(9) + (0xFFFE).to_bytes(2, order) + b"\xff\xff"  # ET_EXEC and ET_DYN
    text = ["".join(f"\\x{byte:02x}" for byte in data) for data in (magic, mask)]
    return f":{machine.name}:M::{text[0]}:{text[1]}:{machine.qemu}:F"


def write_cache(machine: Foreign, root: Path) -> str:
    """Let the machine's own ldconfig write the root's cache; what it says is in it (`ldconfig -p`)."""
    (root / "var/cache/ldconfig").mkdir(parents=True, exist_ok=True)
    program = next(path for path in (root / "sbin/ldconfig", root / "usr/sbin/ldconfig") if path.exists())
    run([machine.qemu, program, "-X", "-r", root])
    return run([machine.qemu, program, "-p", "-C", root / "etc/ld.so.cache"]).stdout
