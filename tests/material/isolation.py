"""Places where the original cannot help: hidden folders, and a bare root with libc's family, a shell and nothing else."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from bundler.errors import BundlerError
from tests.material.programs import find, need

LIBC_FAMILY = (
    "ld-linux*", "libc.so.6", "libm.so.6", "libmvec.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1",
    "libresolv.so.2", "libanl.so.1", "libnss_files.so.2", "libnss_dns.so.2",
)  # fmt: skip
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@cache
def namespace() -> tuple[str, ...]:
    """The command that gives a mount namespace of one's own: as root, or with a user namespace; skips without either."""
    need("unshare")
    for command in (("unshare", "-m"), ("unshare", "-Urm")):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("no mount namespaces here: run as root, or allow user namespaces")


def hidden(
    places: Sequence[str | Path],
    command: Sequence[str | Path],
    env: Mapping[str, str] = ENVIRONMENT,
    cwd: str | Path = "/",
    uid: int | None = None,
    prepare: str = ":",
) -> subprocess.CompletedProcess[str]:
    """Run a command with an empty tmpfs over each folder, and /dev/null over each file, of `places`.

    `prepare` is more for the shell to do first.
    """
    cover = 'if [ -f "$1" ]; then mount --bind /dev/null "$1"; else mount -t tmpfs none "$1"; fi || exit 99'
    hide = f'while [ "$1" != -- ]; do {cover}; shift; done; shift; exec "$@"'
    script = f"{prepare}; {hide}"
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid is not None else []
    variables = [f"{key}={value}" for key, value in env.items()]
    return subprocess.run(
        [*namespace(), "sh", "-c", script, "sh", *places, "--", *become, "env", "-i", "-C", cwd, *variables, *command],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )


def libc_folders(libc: str, loader: str) -> tuple[str, ...]:
    """The folders of libc and of the loader that programs name, each with and without /usr: on many systems these are one."""
    bare = [folder.removeprefix("/usr") for folder in (os.path.dirname(libc), os.path.dirname(loader))]
    return tuple(dict.fromkeys(prefix + folder for folder in bare for prefix in ("", "/usr")))


@cache
def _own_libc() -> tuple[str, str]:
    """The paths of the libc and of the loader that this Python runs with; skips where these are not glibc's."""
    try:
        mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
        with open(sys.executable, "rb") as file:
            loader = read_image(file).interpreter
    except (OSError, BundlerError):
        mapped, loader = set(), None
    libc = next((path for path in mapped if re.fullmatch(r"libc(\.so\.6|-2\.\d+\.so)", os.path.basename(path))), None)
    if libc is None or loader is None:
        pytest.skip("needs a Linux with glibc, for a bare root")
    return libc, loader


def bare_root(where: Path) -> Path:
    """A root directory with libc's family, dash as /bin/sh, and folders to mount on."""
    shell = find("dash") or find("busybox") or need("dash")
    folders = libc_folders(*_own_libc())
    for folder in ("bin", "proc", "dev", "tmp", "opt"):
        (where / folder).mkdir(parents=True)
    (where / "tmp").chmod(0o1777)
    for folder in folders:
        target = where / folder[1:]
        target.mkdir(parents=True, exist_ok=True)
        for pattern in LIBC_FAMILY:
            for file in glob.glob(f"{folder}/{pattern}"):
                shutil.copy(file, target)
    shutil.copy(shell, where / "bin/sh")
    return where


def in_root(
    root: Path,
    bundle: Path,
    command: Sequence[str],
    at: str = "/opt/app",
    env: Mapping[str, str] = ENVIRONMENT,
    options: str = "ro",
) -> subprocess.CompletedProcess[str]:
    """Run a command in a root directory with the bundle mounted (read-only by default) at `at`, and /proc."""
    (root / at[1:]).mkdir(parents=True, exist_ok=True)
    proc = "mount -t proc proc" if os.geteuid() == 0 else "mount --rbind /proc"  # a new one needs a PID namespace
    script = (
        f'mount --bind "$2" "$1/$3" && mount -o "remount,bind,$4" "$1/$3" && {proc} "$1/proc" || exit 99;'
        ' root=$1; shift 4; exec "$0" "$root" "$@"'
    )
    shell, chroot = shutil.which("sh") or "sh", shutil.which("chroot") or "/usr/sbin/chroot"
    variables = [f"{key}={value}" for key, value in env.items()]
    start: list[str | Path] = [
        *namespace(),
        "env",
        "-i",
        *variables,
        shell,
        "-c",
        script,
        chroot,
        root,
        bundle,
        at,
        options,
    ]
    return subprocess.run([*start, *command], capture_output=True, text=True, check=False)


def put_program(root: Path, program: str, name: str) -> None:
    """Put a program of this machine, with the libraries that it needs, into a bare root as `bin/NAME`; skips without it."""
    found = need(program)
    (root / "bin" / name).unlink(missing_ok=True)
    shutil.copy(found, root / "bin" / name)
    done = subprocess.run(["ldd", found], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        library = line.partition("=> ")[2].partition(" (")[0]
        if library and not (root / library[1:]).exists():
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / library[1:])
