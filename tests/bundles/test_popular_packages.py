"""What people install most, and what is heaviest, each list together in one environment: packed, moved, and verified without it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.material.environments import bundler, pack, uv
from tests.material.interpreters import main_python
from tests.material.isolation import hidden

pytestmark = pytest.mark.everything
MOST_DOWNLOADED = (
    *("boto3", "botocore", "s3transfer", "aiobotocore", "s3fs", "urllib3", "requests", "certifi", "charset-normalizer"),
    *("idna", "packaging", "setuptools", "typing-extensions", "six", "python-dateutil", "grpcio-status", "numpy"),
    *("pydantic", "pyyaml", "cryptography"),
)
HEAVY = (
    *("pyarrow", "opencv-python-headless", "polars", "duckdb", "scikit-learn", "spacy", "lightgbm", "numba"),
    *("PySide6", "pyspark"),
)
IMPORTS = {
    MOST_DOWNLOADED: "boto3, s3fs, requests, grpc_status.rpc_status, numpy, pydantic, yaml, cryptography.fernet",
    HEAVY: "pyarrow.parquet, cv2, polars, duckdb, sklearn.svm, spacy, lightgbm, numba, PySide6.QtCore, pyspark.sql",
}


def passes(packages: Sequence[str], folder: Path) -> None:
    """Installed together they pass a pack, and a `verify` and imports once the environment is out of reach."""
    environment, out = folder / "env", folder / "made"
    uv(["venv", "--python", main_python().executable, environment])
    uv(["pip", "install", "--python", environment, *packages])
    pack(environment, out)
    moved = folder / "moved"
    out.rename(moved)
    code = f"import {IMPORTS[tuple(packages)]}; print('imported')"
    done = hidden([environment, *main_python().places], [moved / "bin/python3", "-B", "-c", code])
    assert done.stdout.endswith("imported\n"), done.stderr
    shutil.rmtree(environment)
    done = bundler(["verify", moved, "--run", "--strict"])
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_twenty_most_downloaded(tmp_path: Path) -> None:
    passes(MOST_DOWNLOADED, tmp_path)


def test_ten_heavy_ones(tmp_path: Path) -> None:
    if not os.environ.get("HEAVY_PACKAGES"):
        pytest.skip("HEAVY_PACKAGES is not set: ten packages of some gigabytes are installed, and packed")
    passes(HEAVY, tmp_path)
