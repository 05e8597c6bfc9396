"""The code of other people that travels in the page is what scripts/build_charts makes of pinned packages."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.material import programs

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "bundler/page/charts"
SOURCE = ROOT / "scripts/charts"


def test_every_package_that_it_is_built_from_is_pinned_by_a_digest() -> None:
    wanted = json.loads((SOURCE / "package.json").read_text())
    lock = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    packages = {name.removeprefix("node_modules/"): facts for name, facts in lock.items() if name}
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert packages[name]["version"] == version
    assert {"echarts", "zrender", "tslib", "esbuild"} <= set(packages)
    assert [name for name, facts in packages.items() if not facts["integrity"].startswith("sha512-")] == []
    version = packages["echarts"]["version"]
    assert (CHARTS / "LICENCES.txt").read_text().startswith(f"This page holds parts of Apache ECharts {version}, ")


def test_no_element_of_a_page_ends_within_it() -> None:
    """Nor does a comment begin, within which `</script>` would count for nothing (HTML, 4.12.1.3)."""
    text = (CHARTS / "echarts.js").read_text(encoding="ascii").lower()
    assert not [word for word in ("</script", "<script", "<!--") if word in text]


@pytest.mark.everything
def test_it_is_built_again_byte_by_byte(tmp_path: Path) -> None:
    programs.need("npm")
    done = subprocess.run([ROOT / "scripts/build_charts", tmp_path], capture_output=True, text=True, check=False)
    if done.returncode and "npm" in done.stderr:
        pytest.skip(f"npm gets no packages here: {done.stderr.strip().splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    for name in ("echarts.js", "LICENCES.txt"):
        assert (tmp_path / name).read_bytes() == (CHARTS / name).read_bytes()
