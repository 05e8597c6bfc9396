"""The example in docs/patch.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.binaries.elf.patching import image_of
from tests.binaries.elf.programs import make_library

DOCUMENT = Path(__file__).parents[3] / "docs/patch.md"


def test_the_example_patches_bytes_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = make_library(tmp_path / "libfoo.so", 1)
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    before, names = library.read_bytes(), dict[str, object]()
    exec(example, names)
    image = image_of(tmp_path / "new.so")
    assert (image.rpath, image.soname, image.needed[-1]) == ("$ORIGIN/../lib", "libfoo.so.2", "libbar.so.1")
    assert names["new"] == (tmp_path / "new.so").read_bytes()
    assert library.read_bytes() == before


def test_every_option_is_documented() -> None:
    from bundler.cli.patch import patch

    text = DOCUMENT.read_text()
    options = [option for parameter in patch.params for option in parameter.opts if option.startswith("--")]
    assert len(options) > 20
    assert [option for option in options if f"`{option}" not in text] == []
