"""Bills of materials and licence texts of real bundles: every library of the host with the package that dpkg names."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import bundler as api
from tests.bundles.conftest import Sample
from tests.material.environments import bundler, pack
from tests.material.programs import need
from tests.sbom.validators import faults

QUICK = ("--no-verify", "-q", "--profile", "slim", "--pyc", "none")
NAMES = {"cyclonedx": "bundle.cdx.json", "spdx": "bundle.spdx.json"}


def libraries(sample: Sample) -> list[dict[str, Any]]:
    found: Any = sample.manifest["libraries"]
    bundled: list[dict[str, Any]] = found["bundled"]
    return bundled


def owner(origin: str) -> str:
    """The package that dpkg names for a library of the host; "" for none."""
    path = origin.removeprefix("host:")
    for name in (path, path.removeprefix("/usr"), f"/usr{path}"):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.splitlines()[0].partition(":")[0]
    return ""


def test_every_library_of_the_host_is_told_with_the_package_that_dpkg_names(sample: Sample) -> None:
    need("dpkg-query")
    facts: Any = sample.manifest
    told = {fact["path"]: fact.get("package", {}).get("name", "") for fact in libraries(sample)}
    told |= {
        path: each["package"]["name"] for each in facts["libraries"]["companion_packages"] for path in each["paths"]
    }
    of_host = {path: facts["files"][path]["origin"] for path in told}
    of_host = {path: origin for path, origin in of_host.items() if origin.startswith("host:/")}
    assert len(of_host) > len(told) / 2
    assert {path: told[path] for path in of_host} == {path: owner(origin) for path, origin in of_host.items()}
    bill = json.loads(bundler(["inspect", sample.bundle, "--sbom", "cyclonedx"]).stdout)
    by_path = {
        place["location"]: part["purl"]
        for part in bill["components"]
        for place in part["evidence"]["occurrences"]
        if part.get("purl", "").startswith("pkg:deb/")
    }
    assert {path: purl.partition("@")[0].rpartition("/")[2].replace("%2B", "+") for path, purl in by_path.items()} == {
        path: name for path, name in told.items() if name
    }


def test_every_library_of_a_package_has_its_licence_with_it(sample: Sample) -> None:
    for fact in libraries(sample):
        if "package" in fact:
            assert fact["licence_files"], fact["path"]
            assert all((sample.bundle / path).is_file() for path in fact["licence_files"])


def test_readline_is_told_by_the_licence_of_its_package(sample: Sample) -> None:
    found = [fact for fact in libraries(sample) if "libreadline.so" in fact["path"] and "package" in fact]
    if not found:
        pytest.skip("needs a Python whose readline is Debian's")
    assert (found[0]["licence"], found[0]["copyleft"]) == ("GPL-3.0-or-later", "strong")
    assert f"{found[0]['path']}: GPL-3.0-or-later" in (sample.bundle / "README.txt").read_text()


def test_bills_of_a_bundle_that_is_there_are_valid_and_the_same_twice(sample: Sample) -> None:
    for form in NAMES:
        first, second = (bundler(["inspect", sample.bundle, "--sbom", form]).stdout for _ in range(2))
        assert first == second
        assert faults(first, form) == []
        names = {part["name"] for part in json.loads(first)["packages" if form == "spdx" else "components"]}
        assert {"CPython", "numpy", "cryptography", "rich", "requests"} <= names


def test_a_pack_puts_bills_inside_and_beside_and_inspect_says_the_same(empty: Path, tmp_path: Path) -> None:
    options = (*QUICK, "--sbom", "cyclonedx", "--sbom", "spdx")
    for name in ("app", "app.tar", "again.zip"):
        pack(empty, tmp_path / name, *options)
    for form, path in NAMES.items():
        inside = (tmp_path / "app" / path).read_bytes()
        suffix = path.removeprefix("bundle")
        for name in ("app", "app.tar", "again.zip"):
            assert (tmp_path / f"{name}{suffix}").read_bytes() == inside
            assert bundler(["inspect", tmp_path / name, "--sbom", form]).stdout.encode() == inside
    manifest = json.loads((tmp_path / "app/bundle.json").read_text())
    assert set(NAMES.values()) <= manifest["files"].keys()
    assert manifest["options"]["sbom"] == ["cyclonedx", "spdx"]
    assert bundler(["verify", tmp_path / "app", "--strict", "--no-run"]).returncode == 0
    again = tmp_path / "packed again"
    pack(tmp_path / "app", again, *QUICK)
    assert not [name for name in NAMES.values() if (again / name).exists()], "they told of another bundle"
    told, told_again = (
        {
            (part["name"], part.get("purl"))
            for part in json.loads(bundler(["inspect", path, "--sbom", "cyclonedx"]).stdout)["components"]
        }
        for path in (tmp_path / "app", again)
    )
    assert told == told_again


def test_licence_texts_are_collected_once_and_again_and_nothing_else_is_lost(empty: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    pack(empty, tmp_path / "app", *QUICK, "--licences", texts)
    rows = list(csv.DictReader((texts / "index.csv").open(newline="")))
    assert {row["component"] for row in rows} >= {"CPython"}
    assert all((texts / place).is_file() for row in rows for place in row["files"].split())
    first = {path.relative_to(texts): path.read_bytes() for path in texts.rglob("*") if path.is_file()}
    api.collect_licences(tmp_path / "app", tmp_path / "other")
    other = tmp_path / "other"
    assert {path.relative_to(other): path.read_bytes() for path in other.rglob("*") if path.is_file()} == first
    pack(empty, tmp_path / "app", *QUICK, "--force", "--licences", texts)
    (texts / "mine").write_text("x")
    done = bundler(["pack", empty, "--out", tmp_path / "app2", *QUICK, "--licences", texts])
    assert done.returncode == 1 and "mine" in done.stderr
    assert not (tmp_path / "app2").exists() and (texts / "mine").read_text() == "x"


def test_a_folder_for_licences_lies_neither_in_the_bundle_nor_in_what_is_packed(empty: Path, tmp_path: Path) -> None:
    for folder in (tmp_path / "app/licences", empty / "licences", tmp_path):
        done = bundler(["pack", empty, "--out", tmp_path / "app", *QUICK, "--licences", folder])
        assert done.returncode == 2 and "lie one in the other" in done.stderr, done.stderr
    assert not (tmp_path / "app").exists()
