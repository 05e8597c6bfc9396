"""Activation of a real bundle that was moved, where the original cannot help."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.isolation import hidden
from tests.material.shells import shell_command
from tests.rewrite.test_activation import OTHERS, SH_FAMILY, SUFFIX


@pytest.fixture(scope="module")
def moved(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle at another place, under an odd name; the files are shared."""
    where = tmp_path_factory.mktemp("x") / "sp ace 'é"
    return Path(shutil.copytree(sample.bundle, where, symlinks=True, copy_function=os.link))


@pytest.mark.parametrize("shell", [*SH_FAMILY, *OTHERS])
def test_activation_starts_the_bundle_s_scripts_and_deactivation_takes_them_away(
    sample: Sample, moved: Path, tmp_path: Path, shell: str
) -> None:
    source = {"nu": "overlay use", "fish": "source", "tcsh": "source", "xonsh": "source"}.get(shell, ".")
    place = f'"{moved}/bin/activate{SUFFIX.get(shell, "")}"'
    if shell == "xonsh":
        place = f"@({place})"
    script = tmp_path / "script"
    program = "^stockroom" if shell == "nu" else "stockroom"
    script.write_text(f"{source} {place}\n{program} where\ndeactivate\n{program} where\n")
    done = hidden(sample.originals, [*shell_command(shell, sample.originals), script])
    answer, _ = json.JSONDecoder().raw_decode(done.stdout)
    assert answer["prefix"] == str(moved), done.stderr
    assert done.stdout.count("prefix") == 1
    assert "stockroom" in done.stderr, "it is no longer found"
