"""Roots of other Debian releases, made by debootstrap from the mirror that this machine's apt uses, and kept in a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.material.isolation import bare_root
from tests.material.kept import cache, kept, locked
from tests.material.programs import need

_PYTHON_PACKAGES = ("python3-venv", "python3-dev", "ca-certificates")
_NEXT_PYTHON = ("python3.15-venv", "python3.15-dev", "python3.15-tk", "ca-certificates")
"""A Python that a release has beside its own `python3`."""


def mirror() -> str:
    """The Debian archive that apt is configured for."""
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=False
        )
    except OSError:
        pytest.skip("needs apt, to learn of a Debian mirror")
    sites = [line for line in done.stdout.splitlines() if line.rstrip("/").endswith("/debian")]
    if not sites:
        pytest.skip("apt knows no Debian mirror (apt-get update)")
    return sites[0]


def debian_root(suite: str, where: Path, packages: Sequence[str] = _PYTHON_PACKAGES, label: str = "") -> Path:
    """A root directory of a release with its Python, extracted to `where` from a cached archive.

    `label` names the choice of packages, where it is not the usual one.
    """
    need("debootstrap")
    if os.geteuid() != 0:
        pytest.skip("needs root, for debootstrap")
    name = "-".join(word for word in ("debian", suite, label) if word)
    archive = cache() / f"{name}.tar"
    with locked(name):
        if not archive.exists():
            _debootstrap(suite, packages, archive)
    where.mkdir(parents=True)
    subprocess.run(["tar", "xf", archive, "-C", where, "--numeric-owner"], check=True)
    return where


def next_python_root(where: Path) -> Path:
    """A root of Debian sid with CPython 3.15, which lies there beside the release's own `python3`."""
    return debian_root("sid", where, _NEXT_PYTHON, "python3.15")


def _debootstrap(suite: str, packages: Sequence[str], archive: Path) -> None:
    script = (
        "/usr/share/debootstrap/scripts/sid"  # one script serves for every release, also for those it does not know
    )
    root = archive.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", "--no-check-gpg", f"--include={','.join(packages)}"]
    try:
        done = subprocess.run([*command, suite, root, mirror(), script], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"debootstrap {suite} failed: {done.stdout.splitlines()[-1:]}{done.stderr.splitlines()[-1:]}")
        partial = archive.with_suffix(".partial")
        subprocess.run(
            ["tar", "cf", partial, "-C", root, "--exclude=./var/cache/apt", "--exclude=./dev", "."], check=True
        )
        partial.rename(archive)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def inside(root: Path, script: str, binds: Sequence[tuple[Path, str]] = ()) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a root, with /proc, a /dev/null, the network's names, and folders of this machine bound."""
    lines = ["set -e", f"cd {root}", "mkdir -p proc dev etc", "mount -t proc proc proc", "mount -t tmpfs none dev"]
    lines += [
        "mknod -m 666 dev/null c 1 3",
        "mknod -m 666 dev/urandom c 1 9",
        "cp -L /etc/resolv.conf etc/ 2>/dev/null || :",
    ]
    for source, target in binds:
        lines += [f"mkdir -p ./{target}", f"mount --bind {source} ./{target}"]
    lines.append(
        'exec "$CHROOT" . /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 /bin/sh -c "$INNER"'
    )
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "INNER": f"set -e; {script}"}
    variables["CHROOT"] = shutil.which("chroot") or "/usr/sbin/chroot"
    return subprocess.run(
        [need("unshare"), "-m", "sh", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )


def bare_root_of(release: Path, where: Path) -> Path:
    """A bare root (`isolation.bare_root`) with the libc of a release's root in place of this machine's."""
    bare_root(where)
    for library in where.rglob("*.so*"):
        (own,) = release.glob(f"usr/lib/*-linux-gnu*/{library.name}")
        shutil.copy(own, library)
    return where


def debian_packages(suite: str, packages: Sequence[str], architecture: str = "", label: str = "") -> Path:
    """Packages of a release, unpacked into one folder of the cache (with /lib merged into /usr/lib), never installed.

    `architecture` is Debian's name of one (`s390x`); this machine's own where it is empty. `label` names the choice of
    packages, where there is more than one for a release and an architecture.
    """
    need("dpkg")
    name = "-".join(word for word in ("packages", suite, architecture, label) if word)
    return kept(name, lambda folder: _download(suite, packages, folder, architecture)) / "root"


def debian_source(suite: str, package: str, folder: Path) -> Path:
    """The archive of what a package's authors published, fetched into a folder that is there."""
    _fetch(suite, folder, "", "deb-src", "--download-only", "source", package)
    (found,) = folder.glob(f"{package}_*.orig.tar.*[!c]")
    return found


def _download(suite: str, packages: Sequence[str], folder: Path, architecture: str) -> None:
    """Fetch packages, and unpack them into one folder."""
    _fetch(suite, folder, architecture, "deb", "download", *packages)
    (folder / "unpacked").mkdir()
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, folder / "unpacked"], check=True)
    for name in ("lib", "lib64", "bin"):
        if (folder / "unpacked" / name).is_dir():
            shutil.copytree(
                folder / "unpacked" / name, folder / "unpacked/usr" / name, symlinks=True, dirs_exist_ok=True
            )
            shutil.rmtree(folder / "unpacked" / name)
    (folder / "unpacked").rename(folder / "root")


def _fetch(suite: str, folder: Path, architecture: str, kind: str, *words: str) -> None:
    """Tell apt-get something, under a configuration of its own: one release, archives of one kind (`deb`, `deb-src`)."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"{kind} [trusted=yes] {mirror()} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/nonexistent",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    if architecture:
        settings |= {"APT::Architecture": architecture, "APT::Architectures": architecture}
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in settings.items())]
    for command in ([*apt, "update"], [*apt, *words]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"apt cannot fetch packages of {suite}: {done.stderr[-300:]}")
