"""Memory: under 300 MB, however large the environment is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, clean, empty_environment, run
from tests.material.programs import find

LIMIT = 300_000  # kilobytes
SIZE = 9 << 30  # bytes: more than a plain tar header can say
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def measured(*arguments: str | Path) -> None:
    """Run bundler, with success and within the limit."""
    command: list[str | Path] = [sys.executable, "-c", MEASURE, sys.executable, "-m", "bundler", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**clean(), "PYTHONPATH": str(FIXTURES.parent)}
    )
    status, kilobytes = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done.stderr
    assert kilobytes < LIMIT


@pytest.mark.everything
def test_an_environment_with_a_file_of_nine_gigabytes(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    with open(environment / "model.bin", "wb") as file:
        file.truncate(SIZE)
    archive = tmp_path / "app.tar.zst"
    measured("pack", environment, "--out", archive, "--level", "1", "--no-verify", "-q")
    measured("verify", "--no-run", archive)
    if find("zstd"):
        listed = run(["tar", "--zstd", "-tvf", archive]).stdout.splitlines()
        assert any(str(SIZE) in line and line.endswith(" model.bin") for line in listed)
