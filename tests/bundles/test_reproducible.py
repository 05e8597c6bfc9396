"""Promise 5: the same input gives the same bytes, whatever the folder, user, time, umask and number of threads."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, SLIM, SMALL, bundler, clean, quick_environment, run
from tests.material.programs import need

FORMATS = ("tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "run", "oci.tar")
LEVELS = {"tar.xz": "0"} | dict.fromkeys(("tar.bz2", "tar.zst", "oci.tar", "zip", "squashfs"), "1")
"""Of what is slow; blocks and threads are the same at every level."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another user's cache: the first pack that has it finds nothing in it."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, stockroom: Path) -> tuple[Path, Path]:
    """The same environment twice, in folders with other names, made at other times."""
    base = tmp_path_factory.mktemp("twins")
    packages = (stockroom, "rich", "requests", "markupsafe")
    one = quick_environment(base / "one/env", packages, "--no-deps")
    other = quick_environment(base / "a longer, other name/.venv", packages, "--no-deps")
    for environment in (one, other):  # some packages have compiled modules, which name their place
        for package in environment.glob("lib/python*/site-packages/[rs]*"):
            run([environment / "bin/python", "-m", "compileall", "-q", package])
    for path in other.rglob("*.py"):
        os.utime(path, ns=(1, 1_600_000_000_000_000_000))
    return one, other


def pack(environment: Path, out: Path, *options: str, command: tuple[str, ...] = (), **env: str) -> Path:
    variables = {**clean(), "PYTHONPATH": str(FIXTURES.parent), "PYTHONDONTWRITEBYTECODE": "1", **env}
    pack_it: list[str | Path] = [
        *command,
        sys.executable,
        "-m",
        "bundler",
        "pack",
        environment,
        "--out",
        out,
        "--no-verify",
        "-q",
        *options,
    ]
    done = subprocess.run(pack_it, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stderr
    return out


def needs(form: str) -> None:
    if form == "squashfs":
        need("mksquashfs")


@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=() if form in ("tar.zst", "oci.tar") else pytest.mark.everything) for form in FORMATS],
)
def test_twins_give_equal_archives(twins: tuple[Path, Path], tmp_path: Path, cache: str, form: str) -> None:
    needs(form)
    options = (*SMALL, *(("--level", LEVELS[form]) if form in LEVELS else ()))
    odd = ("sh", "-c", 'umask 077; exec "$@"', "sh")
    one = pack(twins[0], tmp_path / f"app.{form}", "-j", "1", *options, command=odd)
    (tmp_path / "elsewhere").mkdir()
    other = pack(twins[1], tmp_path / f"elsewhere/app.{form}", "-j", "4", *options, XDG_CACHE_HOME=cache)
    assert filecmp.cmp(one, other, shallow=False)


def test_another_user_on_another_host_gives_the_same_archive(
    twins: tuple[Path, Path], tmp_path: Path, cache: str
) -> None:
    other_user = (need("unshare"), "-U", "--map-user=1234", "--map-group=1234")
    if subprocess.run([*other_user, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    one = pack(twins[0], tmp_path / "a.tar", *SMALL)
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": cache, "USER": "somebody", "LANG": "C"}
    other = pack(twins[0], tmp_path / "b.tar", *SMALL, command=other_user, **variables)
    assert filecmp.cmp(one, other, shallow=False)


def test_one_byte_of_the_source_shows(twins: tuple[Path, Path], tmp_path: Path) -> None:
    before = pack(twins[0], tmp_path / "before.tar", *SMALL)
    victim = next(twins[0].glob("lib/python*/site-packages/stockroom/cli.py"))
    text = victim.read_bytes()
    try:
        victim.write_bytes(text.replace(b"a", b"b", 1))
        after = pack(twins[0], tmp_path / "after.tar", *SMALL)
    finally:
        victim.write_bytes(text)
    assert not filecmp.cmp(before, after, shallow=False)


def test_source_date_epoch_is_the_time_of_all_files(twins: tuple[Path, Path], tmp_path: Path) -> None:
    archive = pack(twins[0], tmp_path / "a.tar", *SMALL, SOURCE_DATE_EPOCH="1234567890")
    listed = run(["tar", "--utc", "--full-time", "-tvf", archive]).stdout.splitlines()
    assert {line.split()[3] + " " + line.split()[4] for line in listed} == {"2009-02-13 23:31:30"}
    done = bundler(["pack", twins[0], "--out", tmp_path / "b.tar"], env={"SOURCE_DATE_EPOCH": "today"})
    assert done.returncode == 1
    assert "SOURCE_DATE_EPOCH" in done.stderr


def test_a_time_after_2106_is_the_last_one_that_squashfs_can_tell(twins: tuple[Path, Path], tmp_path: Path) -> None:
    need("mksquashfs")
    need("unsquashfs")
    archive = pack(twins[0], tmp_path / "a.squashfs", *SMALL, "--level", "1", SOURCE_DATE_EPOCH="5000000000")
    listed = run(["unsquashfs", "-UTC", "-lls", archive, "bundle.json"]).stdout
    assert "2106-02-07 06:28 squashfs-root/bundle.json" in listed


@pytest.mark.parametrize("options", [(), ("--pyc", "none"), ("--pyc", "keep")])
def test_an_upgrade_laid_over_an_older_version_never_runs_old_code(
    tmp_path: Path, twins: tuple[Path, Path], options: tuple[str, ...]
) -> None:
    """The module has the same size and the same time in both versions, and other content."""
    environment = Path(shutil.copytree(twins[0], tmp_path / "env", symlinks=True))
    module = next(environment.glob("lib/python*/site-packages/stockroom/__init__.py"))
    target = tmp_path / "target"
    target.mkdir()
    epoch = "" if "keep" in options else "1500000000"
    for number in ("1", "2"):
        module.write_bytes(b"VERSION = " + number.encode() + b"\n")
        os.utime(module, (1_400_000_000, 1_400_000_000 + (int(number) if "keep" in options else 0)))
        archive = pack(environment, tmp_path / f"{number}.tar", *SLIM, *options, SOURCE_DATE_EPOCH=epoch)
        run(["tar", "xf", archive, "-C", target])
        for _ in range(2):  # the first may write a pyc
            code = "import stockroom; print(stockroom.VERSION, stockroom.__file__)"
            done = run([target / "bin/python", "-c", code])
            assert done.stdout.split()[0] == number
            assert done.stdout.split()[1].startswith(str(target))
