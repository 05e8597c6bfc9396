"""The bytes of archives change by decision only: fixtures/golden_digests.json has those of three small environments.

What a compressor of another version makes is not compared: its version stands with each digest. After a change that is meant:

    python -m tests.bundles.test_golden_digests

writes the digests anew; CHANGELOG.md then tells what changed, with the word that the test asks for.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
import zstandard

from bundler.version import VERSION
from tests.bundles.test_reproducible import FORMATS
from tests.material.environments import FIXTURES, clean
from tests.material.golden import ENVIRONMENTS

GOLDEN = FIXTURES / "golden_digests.json"
CHANGELOG = FIXTURES.parent / "CHANGELOG.md"
ZLIB, ZSTD = f"zlib {zlib.ZLIB_RUNTIME_VERSION}", "zstd {}.{}.{}".format(*zstandard.ZSTD_VERSION)
COMPRESSORS = {"tar": "", "tar.zst": ZSTD, "tar.gz": ZLIB, "zip": ZLIB, "run": ZLIB, "oci.tar": ZLIB}
"""What has a say in a format's bytes beside bundler. Python does not tell the versions of xz and bzip2, and mksquashfs is a
program: their formats are left to test_reproducible.py."""


def digest(name: str, form: str, folder: Path) -> str:
    """SHA-256 of the archive of one of the environments."""
    root, out = folder / "root", folder / f"app.{form}"
    if not root.exists():
        root.mkdir()
        ENVIRONMENTS[name](root)
    command: list[str | Path] = [sys.executable, "-m", "bundler", "pack", "/app/.venv", "--root", root, "--out", out]
    command += ["--no-verify", "-q"]
    variables = {**clean(), "PYTHONPATH": str(FIXTURES.parent), "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stderr
    return hashlib.sha256(out.read_bytes()).hexdigest()


def word_of(digests: object) -> str:
    """What CHANGELOG.md must name: it changes when any digest does."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:12]


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of one, and a folder for it."""
    return request.param, tmp_path_factory.mktemp("golden")


@pytest.mark.parametrize("form", COMPRESSORS)
def test_an_archive_has_the_bytes_that_were_decided(environment: tuple[str, Path], form: str) -> None:
    name, folder = environment
    golden = json.loads(GOLDEN.read_text())[VERSION][name][form]
    if golden["compressor"] != COMPRESSORS[form]:
        pytest.skip(f"needs {golden['compressor']}; here is {COMPRESSORS[form]}")
    assert digest(name, form, folder) == golden["sha256"], (
        "python -m tests.bundles.test_golden_digests, if this is meant"
    )


def test_the_changelog_tells_of_every_change_of_bytes() -> None:
    of_versions = json.loads(GOLDEN.read_text())
    assert VERSION in of_versions
    text = CHANGELOG.read_text()
    for version, digests in of_versions.items():
        assert f"`{word_of(digests)}`" in re.split(rf"^## {re.escape(version)}\b", text, flags=re.MULTILINE)[1]


def test_formats_without_a_golden_digest_are_those_whose_compressor_tells_no_version() -> None:
    assert set(FORMATS) - COMPRESSORS.keys() == {"tar.xz", "tar.bz2", "squashfs"}


def main() -> None:
    """Write the digests anew, and say the word for CHANGELOG.md."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    known[VERSION] = {}
    for name in ENVIRONMENTS:
        with tempfile.TemporaryDirectory() as folder:
            known[VERSION][name] = {
                form: {"compressor": compressor, "sha256": digest(name, form, Path(folder))}
                for form, compressor in COMPRESSORS.items()
            }
    GOLDEN.write_text(json.dumps(known, indent=2) + "\n")
    print(f"`{word_of(known[VERSION])}`")


if __name__ == "__main__":
    main()
