"""`bundler inspect` and `bundler diff` as people and scripts see them: on a terminal, in a pipe, and as JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bundler import cli
from bundler.trees.settled import settle
from tests.contents.made_up import EXTENSION, SITE, WHICH, entries, files_of, write_folder
from tests.material.environments import FIXTURES, bundler, clean
from tests.sinks.samples import write

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made-up") / "app", entries(files_of()))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {path: data for path, data in files_of(wheels="1.1").items() if "zebra" not in path}
    return write_folder(tmp_path_factory.mktemp("made-up") / "newer", entries(files))


def on_terminal(*words: str | Path, columns: int = 200, **variables: str) -> str:
    """What the command writes to a terminal of so many columns."""
    pid, descriptor = pty.fork()
    if pid == 0:
        settings = {"COLUMNS": str(columns), "TERM": "xterm-256color", "PYTHONPATH": str(FIXTURES.parent)}
        command = [sys.executable, "-m", "bundler", *map(str, words)]
        os.execve(sys.executable, command, {**clean(), **settings, **variables})
    said = b""
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except OSError:  # the other end is closed
            data = b""
        if not data:
            break
        said += data
    os.close(descriptor)
    os.waitpid(pid, 0)
    return said.decode()


def lines(text: str) -> list[str]:
    """Without colours, and with one blank for many."""
    return [re.sub(r" +", " ", _COLOURS.sub("", line)).strip() for line in text.splitlines()]


def here(*words: str | Path, status: int = 0) -> str:
    """What the command writes into a pipe, by a call in this process: half a second less than another one."""
    done = CliRunner().invoke(cli.bundler, [*map(str, words)])
    assert (done.exit_code, done.stderr) == (status, ""), done.exception
    return done.stdout


def told(*words: str | Path, status: int = 0) -> dict[str, Any]:
    value = json.loads(here(*words, "--json", status=status))
    assert isinstance(value, dict)
    return value


def test_why_is_a_tree_in_a_pipe_on_a_terminal_and_in_json(folder: Path) -> None:
    assert here("inspect", folder, "--why", "libwhich").splitlines() == [
        f"{WHICH}  (shared library; 3.7 kB; host:/usr/lib/libwhich.so; asks for glibc 2.3 (GLIBC_2.3))",
        "  bin/python3.12  (program; needs libwhich.so)",
        "    interpreter  (part of Python)",
        f"  {EXTENSION}  (extension module; needs libwhich.so)",
        "    wheels 1.0  (distribution)",
        "      middle 1.5  (distribution; requires wheels>=1)",
        "        app 2.0  (distribution; requires middle[fast]>=1; installed by name)",
    ]
    drawn = on_terminal("inspect", folder, "--why", "libwhich")
    assert "\x1b[" in drawn and "└── app 2.0 distribution; requires middle[fast]>=1; installed by name" in lines(drawn)
    (cause,) = told("inspect", folder, "--why", "libwhich")["why"]
    assert (cause["name"], cause["what"]) == (WHICH, "shared library")
    assert [each["name"] for each in cause["needed_by"]] == ["bin/python3.12", EXTENSION]


def test_size_is_two_tables_whose_numbers_are_those_of_json(folder: Path) -> None:
    said = lines(here("inspect", folder, "--size"))
    assert said[0] == "app: 69.9 kB in 24 files and 2 links"
    assert said[1:4] == [
        "by distribution",
        "size share files mostly",
        "30.9 kB 44.3% 5 wheels 1.0 extension module 25.7 kB, data 5.0 kB",
    ]
    assert said.count("69.9 kB 100.0% 24 together") == 2
    drawn = lines(on_terminal("inspect", folder, "--size"))
    assert [line for line in said if "%" in line] == [line for line in drawn if "%" in line]
    found = told("inspect", folder, "--size")
    assert found["size"] == sum(each["size"] for each in found["by_distribution"])
    assert found["size"] == sum(each["size"] for each in found["by_kind"])
    assert found["by_distribution"][0]["version"] == "1.0"


def test_on_a_terminal_many_small_distributions_are_one_row(tmp_path: Path) -> None:
    files = {f"{SITE}/d{number}-1.dist-info/METADATA": f"Name: d{number}\n".encode() for number in range(60)}
    folder = write_folder(tmp_path / "app", entries({**files_of(), **files}))
    drawn = lines(on_terminal("inspect", folder, "--size"))
    (row,) = [line for line in drawn if "smaller ones" in line]
    assert re.fullmatch(r"\d+ B [\d.]+% 4\d 4\d smaller ones \(-v lists them\)", row)
    shares = [float(line.split()[2].rstrip("%")) for line in drawn if re.search(r"^[\d.]+ k?B", line)]
    assert round(sum(shares), 1) == 400.0  # both tables, and what stands below each
    assert "d59" not in " ".join(drawn)
    assert any(line.endswith("d59 1 metadata 10 B") for line in lines(on_terminal("inspect", folder, "--size", "-v")))
    assert any("d59" in line for line in lines(here("inspect", folder, "--size")))


def test_many_files_that_say_the_same_are_told_by_the_first(tmp_path: Path) -> None:
    files = files_of()
    copies = {EXTENSION.replace("_wheels", f"_w{number}"): files[EXTENSION] for number in range(8)}
    folder = write_folder(tmp_path / "app", entries({**files, **copies}))
    said = here("inspect", folder, "--why", "libwhich")
    assert f"{EXTENSION.replace('_wheels', '_w0')} and 8 more extension modules  (" in said
    assert "_w1" not in said and said.count("app 2.0") == 1
    whole = here("inspect", folder, "--why", "libwhich", "-v")
    assert all(path in whole for path in copies) and whole.count("see above") == 8


def test_changed_lists_each_file_with_its_reason(folder: Path) -> None:
    said = here("inspect", folder, "--changed").splitlines()
    assert said == ["1 changed file", "its first line named the environment  (1 file)", "  bin/app"]
    change = {"path": "bin/app", "origin": "env:bin/app", "reason": "its first line named the environment"}
    assert told("inspect", folder, "--changed")["changed"] == [change]


@pytest.mark.parametrize("form", ["tar.zst", "tar.xz", "tar.bz2", "zip", "run", "oci.tar", "squashfs"])
def test_facts_of_an_archive_are_those_of_the_directory(folder: Path, tmp_path: Path, form: str) -> None:
    archive = write(form, tmp_path / f"a.{form}", list(settle(entries(files_of())).entries))
    facts = told("inspect", archive)
    assert facts == told("inspect", folder)
    assert (facts["kind"], facts["glibc"], facts["floor_symbol"]) == ("bundle", "2.3", "GLIBC_2.3")
    assert (facts["files"], facts["links"], facts["size"]) == (24, 2, sum(map(len, files_of().values())) + own(folder))
    assert "lib/bundled/libwhich.so (host:/usr/lib/libwhich.so)" in here("inspect", archive)
    assert os.listdir(tmp_path) == [archive.name]


def own(folder: Path) -> int:
    return (folder / "bundle.json").stat().st_size


def test_on_a_terminal_facts_are_a_table_and_trees(folder: Path) -> None:
    drawn = lines(on_terminal("inspect", folder))
    assert "needs glibc 2.3 or later (GLIBC_2.3 in bin/python3.12)" in drawn
    assert "holds 69.9 kB in 24 files and 2 links" in drawn
    assert "├── lib/bundled/libwhich.so (host:/usr/lib/libwhich.so)" in drawn
    assert "\x1b[1m" not in on_terminal("inspect", folder, NO_COLOR="1", TERM="dumb")


def test_diff_tells_what_changed_and_ends_with_3(folder: Path, newer: Path) -> None:
    done = bundler(["diff", folder, newer])
    assert (done.returncode, done.stderr) == (3, "")
    assert lines(done.stdout) == [
        "app -> newer",
        "size files",
        "- zebra 0.1 155 B -155 B -3",
        "~ wheels 1.0 -> 1.1 30.9 kB ±0 ~3",
        lines(done.stdout)[-1],
    ]
    assert re.fullmatch(
        r"24 -> 21 files, 69.9 kB -> 69.\d kB \(-\d+ B\); 2 distributions the same", lines(done.stdout)[-1]
    )
    whole = here("diff", folder, newer, "-v", status=3)
    assert f"  - {SITE}/zebra.py  (12 B)" in whole and f"  ~ {SITE}/wheels/__init__.py  (content)" in whole
    drawn = on_terminal("diff", folder, newer)
    assert "\x1b[31m" in drawn and "- zebra 0.1 155 B -155 B -3" in lines(drawn)
    found = told("diff", folder, newer, status=3)
    assert found["distributions"]["changed"][0]["new_version"] == "1.1"


def test_diff_of_the_same_ends_with_0_and_of_what_is_no_bundle_with_1(folder: Path, tmp_path: Path) -> None:
    archive = write("tar", tmp_path / "a.tar", list(settle(entries(files_of())).entries))
    said = here("diff", archive, folder)
    assert said == "a.tar -> app\nnothing differs: the same files with the same contents and modes\n"
    assert told("diff", archive, folder)["same"] is True
    done = bundler(["diff", folder, tmp_path])
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith("error: ")
    done = bundler(["diff", folder])
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--why", "libwich"], 1, "hint: did you mean libwhich"),
        (["--why", "x", "--size"], 2, "ask one at a time"),
        (["--size", "--changed"], 2, "ask one at a time"),
    ],
    ids=lambda value: str(value) if not isinstance(value, list) else " ".join(value),
)
def test_what_is_asked_wrongly(folder: Path, words: Sequence[str], status: int, said: str) -> None:
    done = bundler(["inspect", folder, *words])
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


@pytest.mark.parametrize("question", [["--size"], ["--changed"], ["--why", "x"]], ids=" ".join)
def test_what_is_no_bundle_is_told_with_what_to_do(tmp_path: Path, question: Sequence[str]) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /usr\n")
    done = bundler(["inspect", tmp_path, *question])
    assert (done.returncode, done.stdout) == (1, "")
    assert f"hint: pack the environment first: bundler pack {tmp_path}" in done.stderr


def test_names_in_a_bundle_steer_no_terminal(tmp_path: Path) -> None:
    name = "x\x1b]0;title\x07\nmade up"
    files = {
        **files_of(),
        f"{SITE}/{name}.py": b"",
        f"{SITE}/zebra-0.1.dist-info/METADATA": b"Name: z\x1b[2J\nVersion: 1\n",
    }
    old, new = (
        write_folder(tmp_path / folder, entries(made, warnings=(name,)))
        for folder, made in (("old", files), ("new", {**files, f"{SITE}/{name}.py": b"1"}))
    )
    questions: tuple[list[str | Path], ...] = (
        ["inspect", old, "--size", "-v"], ["inspect", old, "--why", f"{name}.py"], ["diff", old, new, "-v"],
    )  # fmt: skip
    for words in questions:
        said = here(*words, status=3 if words[0] == "diff" else 0)
        assert not set(said) & set("\x1b\x07") and "\nmade up" not in said
        drawn = _COLOURS.sub("", on_terminal(*words))
        assert not set(drawn) & set("\x1b\x07") and "\nmade up" not in drawn
