"""Promises 3, 4 and 5: the source is left alone, little is changed, and the same input gives the same bytes."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

from tests.bundles.conftest import Sample
from tests.material.environments import bundler, pack
from tests.material.snapshots import Snapshot, snapshot


def test_the_environment_and_its_base_are_unchanged_to_the_nanosecond(sample: Sample) -> None:
    before, after = own(sample, sample.before), own(sample, snapshot(sample.environment, *sample.python.places))
    assert {path for path in after.keys() | before.keys() if after.get(path) != before.get(path)} == set()
    inodes = {facts.inode for facts in after.values()}
    assert not [path for path, facts in snapshot(sample.bundle).items() if facts.inode in inodes], (
        "nothing is linked to"
    )


def own(sample: Sample, found: Snapshot) -> Snapshot:
    """Without what hard links change in the base: other tests, at the same time, pack it with `--link hardlink`."""
    inside = str(sample.environment)
    return {
        path: facts if path.startswith(inside) else facts._replace(links=0, changed=0) for path, facts in found.items()
    }


def test_every_file_that_is_not_listed_as_changed_is_its_source_byte_for_byte(sample: Sample) -> None:
    changed = {change["path"] for change in sample.manifest["changed"]}  # type: ignore[attr-defined]
    files: dict[str, dict[str, str]] = sample.manifest["files"]  # type: ignore[assignment]
    roots = {"env": str(sample.environment), "base": sample.python.prefix, "host": ""}
    compared = 0
    for path, fact in files.items():
        kind, _, below = fact["origin"].partition(":")
        if path not in changed and kind in roots and "link" not in fact:
            source = below if kind == "host" else os.path.join(roots[kind], below)
            with open(source, "rb") as file:
                assert hashlib.sha256(file.read()).hexdigest() == fact["sha256"], path
            compared += 1
    assert compared > 0.9 * len(files)
    reasons = [change["reason"] for change in sample.manifest["changed"]]  # type: ignore[attr-defined]
    assert all(reasons)


def test_modes_and_times_are_the_source_s(sample: Sample) -> None:
    for path in ("lib/{0}/site-packages/rich/console.py", "lib/{0}/site-packages/requests/__init__.py"):
        place = path.format(f"python{sample.python.version}")
        one, other = os.stat(sample.environment / place), os.stat(sample.bundle / place)
        assert (one.st_mode, one.st_mtime_ns) == (other.st_mode, other.st_mtime_ns)


def test_the_manifest_names_no_path_of_the_builder(sample: Sample) -> None:
    text = (sample.bundle / "bundle.json").read_text()
    assert str(sample.environment) not in text
    assert sample.python.prefix == "/usr" or sample.python.prefix not in text


def test_record_agrees_with_what_is_on_disk(sample: Sample) -> None:
    packages = sample.bundle / f"lib/python{sample.python.version}/site-packages"
    records = list(packages.glob("*.dist-info/RECORD"))
    checked = 0
    for record in records:
        with open(record, newline="", encoding="utf-8") as file:
            for path, digest, size in csv.reader(file):
                place = packages / path
                if digest:
                    data = place.read_bytes()
                    assert digest == "sha256=" + base64.urlsafe_b64encode(
                        hashlib.sha256(data).digest()
                    ).decode().rstrip("=")
                    assert len(data) == int(size)
                    checked += 1
                assert place.exists() or path.endswith(".pyc"), path
    assert len(records) > 10
    assert checked > 1000


def test_two_packs_from_two_folders_give_equal_archives(sample: Sample, tmp_path: Path) -> None:
    other = tmp_path / "another"
    shutil.copytree(sample.environment, other, symlinks=True)
    for script in (other / "bin").iterdir():
        if script.is_file() and not script.is_symlink() and script.read_bytes()[:2] == b"#!":
            times = script.stat()
            script.write_bytes(script.read_bytes().replace(str(sample.environment).encode(), str(other).encode()))
            os.utime(script, ns=(times.st_atime_ns, times.st_mtime_ns))
    for folder, _, _ in os.walk(sample.environment):
        times = os.stat(folder)
        os.utime(other / os.path.relpath(folder, sample.environment), ns=(times.st_atime_ns, times.st_mtime_ns))
    one, two = tmp_path / "one.tar", tmp_path / "two.tar"
    pack(sample.environment, one, "--no-verify", "-j", "1")
    old = os.umask(0o077)
    try:
        pack(other, two, "--no-verify", "-j", "4")
    finally:
        os.umask(old)
    assert one.read_bytes() == two.read_bytes()


def test_a_changed_byte_is_found_by_verify(sample: Sample, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(sample.bundle, tmp_path / "bundle", symlinks=True, copy_function=os.link))
    assert bundler(["verify", bundle, "--no-run"]).returncode == 0
    victim = bundle / f"lib/python{sample.python.version}/site-packages/rich/console.py"
    data = victim.read_bytes()
    victim.unlink()  # the sample has it as well
    victim.write_bytes(data[:-1] + b" ")
    done = bundler(["verify", bundle, "--json"])
    assert done.returncode == 3
    assert [fault["path"] for fault in json.loads(done.stdout)["faults"]] == [str(victim.relative_to(bundle))]
