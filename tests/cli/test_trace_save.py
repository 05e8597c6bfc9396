"""What a trace learned goes into `[tool.bundler]`: in front of what is there, and the rest of the file stays byte by byte."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import click
import pytest

from bundler.cli.pack import pack
from bundler.cli.saving import save_learned
from bundler.configuration import read_configuration
from bundler.errors import BadConfiguration

LEARNED = {"include-lib": ["libacl.so.1", "libmagic.so.1"], "exclude": ["!/lib/python3.12/tkinter/"]}
BOTH = ["libacl.so.1", "libmagic.so.1"]


@pytest.mark.parametrize(
    ("before", "libraries", "patterns"),
    [
        ("", BOTH, LEARNED["exclude"]),
        ('[project]\nname = "x"  # no line end', BOTH, LEARNED["exclude"]),
        ('[tool.bundler]\nlevel = 3\n\n[tool.other]\nlevel = 4 # "', BOTH, LEARNED["exclude"]),
        ('[tool.bundler]\ninclude-lib = ["libx.so"]\n', [*BOTH, "libx.so"], LEARNED["exclude"]),
        ("[tool.bundler]\r\ninclude-lib=['libmagic.so.1']\r\n", BOTH, LEARNED["exclude"]),
        (
            '# "[tool.bundler]"\n[tool.bundler]\nexclude = [\n    # mine\n    "tests/", # all\n    "docs/",\n]\nlevel = 1\n',
            BOTH,
            [*LEARNED["exclude"], "tests/", "docs/"],
        ),
        ('tool.bundler.level = 1\nx = """\n[tool.bundler]\n"""\n', BOTH, LEARNED["exclude"]),
        ('tool = { bundler = { include-lib = ["libx.so"] } }\n', [*BOTH, "libx.so"], LEARNED["exclude"]),
        ('[tool]\nbundler = {"include-lib" = []}\n[[a]]\nb = 1\n[[a]]\nb = 2\n', BOTH, LEARNED["exclude"]),
    ],
)
def test_it_stands_in_front_and_every_other_line_stays(
    tmp_path: Path, before: str, libraries: list[str], patterns: list[str]
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(before.encode())
    lines = save_learned(str(path), LEARNED)
    table = read_configuration(str(path))
    assert sorted(map(str, _list(table["include-lib"]))) == sorted(libraries)
    assert table["exclude"] == patterns
    assert {line.partition(" ")[0] for line in lines} == {"include-lib", "exclude"}
    after = path.read_bytes().decode().splitlines(keepends=True)
    for line in before.splitlines(keepends=True)[:-1]:
        if "include-lib" not in line:
            assert line in after
    again = path.read_bytes()
    assert save_learned(str(path), LEARNED) == []
    assert path.read_bytes() == again


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_mode_and_link_stay(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("[tool.bundler]\n")
    (tmp_path / "real.toml").chmod(0o640)
    (tmp_path / "pyproject.toml").symlink_to("real.toml")
    save_learned(str(tmp_path / "pyproject.toml"), LEARNED)
    assert os.readlink(tmp_path / "pyproject.toml") == "real.toml"
    assert stat.S_IMODE((tmp_path / "real.toml").stat().st_mode) == 0o640
    assert "libacl" in (tmp_path / "real.toml").read_text()


@pytest.mark.parametrize("text", ["tool = 3\n", "[tool]\nbundler = 'x'\n", "[tool.bundler]\ninclude-lib = 'x'\n", "[x"])
def test_a_file_without_room_stays_as_it_is_and_the_lines_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    with pytest.raises(BadConfiguration, match="cannot be changed") as caught:
        save_learned(str(path), LEARNED)
    assert "include-lib = ['libacl.so.1', 'libmagic.so.1']" in caught.value.hint
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trace-save",), "needs --trace"),
        (("--trace-save", "--trace", "true", "--dry-run"), "exclude each other"),
    ],
)
def test_it_needs_a_trace_that_is_packed(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    context = pack.make_context("pack", [str(tmp_path / "env"), "--out", str(tmp_path / "app"), *words])
    with pytest.raises(click.UsageError, match=said):
        pack.invoke(context)


def test_it_needs_a_file(tmp_path: Path) -> None:
    words = [str(tmp_path / "env"), "--out", str(tmp_path / "app"), "--trace-save", "--trace", "true"]
    with pytest.raises(BadConfiguration, match=r"no pyproject\.toml beside the environment"):
        pack.invoke(pack.make_context("pack", words))
