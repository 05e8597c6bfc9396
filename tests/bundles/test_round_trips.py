"""Archives: the plain tools of a target make of each a bundle that passes the audit and runs where there is nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FIXTURES, SLIM, bundler, clean, pack, run
from tests.material.isolation import in_root
from tests.material.programs import need, need_unpacker

Pack = Callable[[str], Path]
PYTHON = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall('.', filter='data')"
# Format, the tool that unpacks it, and whether the quick tier has it.
TOOLS = [
    ("tar.gz", "tar -xf", True),
    ("zip", "unzip -q", True),
    ("run", "dash", True),
    ("tar.gz", "busybox tar -xzf", False),
    ("tar.gz", "bsdtar -xf", False),
    ("tar.zst", "tar --zstd -xf", False),
    ("tar.zst", "bsdtar -xf", False),
    ("tar.xz", "python", False),
    ("tar.bz2", "busybox tar -xjf", False),
    ("tar", "python", False),
    ("zip", "bsdtar -xf", False),
    ("squashfs", "unsquashfs -q -n -f -d .", False),
    ("run", "busybox sh", False),
]


@pytest.fixture(scope="module")
def packed(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Packs the sample into a format, once."""
    folder = tmp_path_factory.mktemp("archives")

    def pack_once(form: str) -> Path:
        if form == "squashfs":
            need("mksquashfs")
        out = folder / f"app.{form}"
        if not out.exists():
            level = ("--level", "1") if form != "tar" else ()
            pack(sample.environment, out, *SLIM, "--no-verify", "-q", "--entry", "stockroom where", *level)
        return out

    return pack_once


def unpack(how: str, archive: Path, target: Path) -> Path:
    """Unpack with a foreign tool, in a clean environment; the folder of the bundle."""
    if how == "python":
        words = [sys.executable, "-c", PYTHON]
        if not hasattr(__import__("tarfile"), "data_filter"):
            pytest.skip("this Python's tarfile has no filters")
    else:
        words = need_unpacker(how, archive.name)
    target.mkdir()
    run([*words, archive], cwd=target)
    return target / "app" if archive.suffix == ".run" else target


@pytest.mark.parametrize(
    ("form", "how"),
    [pytest.param(form, how, marks=() if quick else pytest.mark.everything) for form, how, quick in TOOLS],
)
def test_what_a_plain_tool_unpacks_passes_the_audit_and_runs_in_a_bare_root(
    packed: Pack, tmp_path: Path, root: Path, form: str, how: str
) -> None:
    bundle = unpack(how, packed(form), tmp_path / "unpacked")
    audit = bundler(["verify", bundle, "--strict", "--no-run"])
    assert audit.returncode == 0, audit.stderr
    done = in_root(root, bundle, ["/opt/app/bin/start"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prefix"] == "/opt/app"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=() if form in ("zip", "oci.tar") else pytest.mark.everything)
        for form in ("tar", "tar.gz", "tar.zst", "tar.xz", "tar.bz2", "zip", "squashfs", "run", "oci.tar")
    ],
)
def test_an_archive_is_verified_as_it_lies(packed: Pack, form: str) -> None:
    archive = packed(form)
    before = sorted(os.listdir(archive.parent))
    done = bundler(["verify", archive, "--json"])
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["files"] > 1000
    assert sorted(os.listdir(archive.parent)) == before
    damaged = archive.with_name(f"damaged.{form}")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0x55
    damaged.write_bytes(data)
    try:
        assert bundler(["verify", damaged]).returncode in (1, 3), "a byte in the middle is another"
    finally:
        damaged.unlink()


@pytest.mark.parametrize("form", ["tar.gz", pytest.param("zip", marks=pytest.mark.everything)])
def test_standard_output_gets_the_same_bytes_and_nothing_else(packed: Pack, sample: Sample, form: str) -> None:
    command = [
        sys.executable, "-m", "bundler", "pack", str(sample.environment), "--out", "-", "--format", form, "--level", "1",
        "--entry", "stockroom where", *SLIM,
    ]  # fmt: skip
    env = {**clean(), "PYTHONPATH": str(FIXTURES.parent)}
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout == packed(form).read_bytes()
    assert b"wrote - (" in done.stderr


def test_standard_output_wants_a_format_and_no_directory(sample: Sample) -> None:
    for options in ([], ["--format", "directory"], ["--format", "tar", "--json"], ["--format", "tar", "--update"]):
        done = bundler(["pack", sample.environment, "--out", "-", *options])
        assert done.returncode in (1, 2)
        assert done.stdout == ""
        assert "standard output" in done.stderr or "--update is for directories" in done.stderr


def test_a_reader_that_goes_away_ends_the_pack(sample: Sample, tmp_path: Path) -> None:
    script = f'"$@" --out - --format tar --no-verify -q | head -c 100000 > {tmp_path}/head; echo "${{PIPESTATUS[0]}}"'
    command: list[str | Path] = [
        "bash",
        "-c",
        script,
        "bash",
        sys.executable,
        "-m",
        "bundler",
        "pack",
        sample.environment,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**clean(), "PYTHONPATH": str(FIXTURES.parent)}
    )
    assert done.stdout.strip() == "1"
    assert done.stderr == "", "who closed the pipe needs no message"
