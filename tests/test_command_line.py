"""The command line as scripts rely on it: exit statuses, what goes to which stream, and what its options are called."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bundler import cli
from bundler.version import VERSION
from tests.material.environments import bundler, empty_environment

TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest that there is: no package in it."""
    folder = tmp_path_factory.mktemp("command-line") / "env"
    empty_environment(folder)
    return folder


@pytest.fixture(scope="module")
def quietly(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A pack under `-q`; its last argument is the bundle."""
    out = tmp_path_factory.mktemp("packed") / "bundle"
    return bundler(["pack", "-q", "--no-verify", environment, "--out", out], TERMINAL)


@pytest.fixture(scope="module")
def bundle(quietly: subprocess.CompletedProcess[str]) -> Path:
    assert quietly.returncode == 0, quietly.stderr
    return Path(quietly.args[-1])


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A bundle whose interpreter is gone: nothing but a manifest."""
    folder = tmp_path / "faulty"
    folder.mkdir()
    manifest = {"bundler": VERSION, "schema": 1, "python": {"executable": "bin/python3"}}
    (folder / "bundle.json").write_text(json.dumps(manifest))
    return folder


def the_object(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """The one JSON object on standard output, with nothing before, behind or beside it."""
    value, end = json.JSONDecoder().raw_decode(done.stdout)
    assert done.stdout[end:] == "\n"
    assert done.stderr == ""
    assert isinstance(value, dict)
    return value


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize(
    "arguments",
    [
        ["unpack"],
        ["--unknown"],
        ["pack", ".venv"],
        ["pack", ".venv", "another", "--out", "x"],
        ["pack", ".venv", "--out", "x", "--link", "sideways"],
        ["pack", ".venv", "--out", "x", "-j", "0"],
        ["pack", ".venv", "--out", "x", "--level", "high"],
        ["verify"],
        ["verify", "x", "--quick"],
        ["inspect"],
        ["inspect", "x", "y"],
        ["diff", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_shows_the_usage_on_standard_error(arguments: list[str]) -> None:
    done = bundler(arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: ")
    assert "Error: " in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--out", "out.7z"],
        ["--out", "-"],
        ["--out", "-", "--format", "directory"],
        ["--out", "-", "--format", "tar", "--update"],
        ["--in-place", "--root", "/sysroot"],
        ["--out", "out.tar.zst", "--level", "99"],
        ["--out", "out.oci.tar", "--image-env", "NAME"],
        ["--out", "out", "--add", "there=../else"],
        ["--out", "out", "--add", "there=bundle.json"],
        ["--out", "out", "--trace", "'"],
    ],
    ids=" ".join,
)
def test_words_that_are_wrong_whatever_is_on_the_disk_are_2_and_nothing_is_left(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()
    done = bundler(["pack", environment, *options, "--no-verify"])
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and done.stdout == ""
    assert names(tmp_path) == ["there"]


def test_what_is_no_environment_is_1_with_a_hint_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for options in ([], ["-q"], ["--json"]):
        done = bundler(["pack", tmp_path / "folder", "--out", tmp_path / "out", *options])
        assert done.returncode == 1
        assert done.stdout == ""
        first, second = done.stderr.splitlines()
        assert first.startswith("error: ")
        assert str(tmp_path / "folder") in first
        assert second.startswith("hint: ")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == []


@pytest.mark.parametrize(
    "command", [["pack", "--out", "/nowhere/out"], ["verify"], ["inspect"]], ids=lambda c: str(c[0])
)
@pytest.mark.parametrize("name", ["nothing", "with a\nline", os.fsdecode(b"caf\xe9")])
def test_a_path_that_does_not_exist_is_1_and_named(tmp_path: Path, command: list[str], name: str) -> None:
    done = bundler([*command, tmp_path / name])
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    shown = name.replace("\n", "\n    ")  # no name begins a line
    assert shown.encode("utf-8", "backslashreplace").decode() in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_bundle_or_no_binary_is_1(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "folder").mkdir()
    for command, name in (("verify", "text"), ("verify", "folder"), ("inspect", "text")):
        done = bundler([command, tmp_path / name, "--json"])
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


def test_an_output_that_is_in_the_way_is_1_and_stays(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious").write_text("x")
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--force"])
    assert done.returncode == 1
    assert done.stdout == ""
    assert "hint: " in done.stderr
    assert (tmp_path / "out/precious").read_text() == "x"


def test_faults_are_3_and_told_on_standard_error(faulty: Path) -> None:
    done = bundler(["verify", faulty])
    assert done.returncode == 3
    assert done.stdout == ""
    assert "bin/python3" in done.stderr


def test_faults_are_3_and_told_in_the_object(faulty: Path) -> None:
    done = bundler(["verify", faulty, "--json"])
    assert done.returncode == 3
    faults = the_object(done)["faults"]
    assert isinstance(faults, list)
    assert "bin/python3" in [fault["path"] for fault in faults]


def test_quiet_says_nothing(quietly: subprocess.CompletedProcess[str]) -> None:
    assert (quietly.returncode, quietly.stdout, quietly.stderr) == (0, "", "")


def test_without_quiet_the_report_goes_to_standard_error(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--dry-run"], TERMINAL)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "needs glibc" in done.stderr
    assert names(tmp_path) == []


def test_a_packs_object_is_all_that_is_said(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--dry-run", "--json"], TERMINAL)
    assert done.returncode == 0
    report = the_object(done)
    assert report["python"] == json.loads(bundler(["inspect", environment, "--json"]).stdout)["python"]
    assert report["out"] is None


def test_a_sound_bundle_is_0_until_something_in_it_is_missing(bundle: Path, tmp_path: Path) -> None:
    done = bundler(["verify", "--no-run", bundle])
    assert (done.returncode, done.stdout) == (0, "")
    done = bundler(["verify", "--no-run", bundle, "--json"])
    assert done.returncode == 0
    assert the_object(done)["faults"] == []
    spoiled = Path(shutil.copytree(bundle, tmp_path / "spoiled", symlinks=True, copy_function=os.link))
    (spoiled / "bin/python").unlink()
    done = bundler(["verify", "--no-run", spoiled])
    assert done.returncode == 3
    assert "bin/python" in done.stderr


def test_inspect_tells_an_environment_a_bundle_and_a_binary_apart(environment: Path, bundle: Path) -> None:
    for path, kind in ((environment, "venv"), (bundle, "bundle"), (Path(os.path.realpath(sys.executable)), "binary")):
        done = bundler(["inspect", path, "--json"])
        assert done.returncode == 0, done.stderr
        facts = the_object(done)
        assert facts["kind"] == kind
        plain = bundler(["inspect", path])
        assert (plain.returncode, plain.stderr) == (0, "")
        assert plain.stdout.startswith(f"kind: {kind}\n")
        assert all(f"\n{name}: " in f"\n{plain.stdout}" for name in facts)
        assert "None" not in plain.stdout and ": \n" not in plain.stdout
    inspected, verified = (
        the_object(bundler([*words, bundle, "--json"])) for words in (["inspect"], ["verify", "--no-run"])
    )
    assert inspected["files"] == verified["files"]


def test_version_is_one_line_on_standard_output() -> None:
    done = bundler(["--version"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"bundler, version {VERSION}\n"


@pytest.mark.parametrize("command", cli.COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_a_command_tells_each_of_its_options(command: str, flag: str) -> None:
    done = bundler([command, flag])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")
    text = " ".join(done.stdout.split())
    found = cli.bundler.get_command(click.Context(cli.bundler), command)
    assert found is not None
    for parameter in found.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{parameter.name} has no help"
            assert " ".join(parameter.help.split()) in text
            negatives = {f"--no-{name[2:]}" for name in parameter.opts}
            for name in {*parameter.opts, *parameter.secondary_opts} - negatives:
                assert name in text.replace(",", " ").replace("/", " ").split()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_trouble(bundle: Path, closed: str) -> None:
    command = f'"$0" -m bundler inspect "$1" {closed}'
    done = subprocess.run(["sh", "-c", command, sys.executable, bundle], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-"])
def test_no_message_goes_into_a_file_in_place_of_a_closed_stream(
    environment: Path, tmp_path: Path, closed: str
) -> None:
    command = '"$0" -m bundler pack -v --no-verify "$1" --out'
    for out, streams in (("one.tar", ""), ("other.tar", closed)):
        text = f'{command} "{tmp_path / out}" {streams}'
        done = subprocess.run(["sh", "-c", text, sys.executable, environment], capture_output=True, check=False)
        assert done.returncode == 0
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_a_signal_leaves_no_temporary_folder_that_nobody_held_yet(tmp_path: Path) -> None:
    program = f"""
import signal, sys, tempfile
from bundler import cli

def interrupted(**_):
    held.append(tempfile.TemporaryDirectory(dir={str(tmp_path)!r}))
    signal.raise_signal(signal.SIGTERM)

held = []
cli.bundler = interrupted
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert os.listdir(tmp_path) == []


def test_nohup_is_heeded(environment: Path, tmp_path: Path) -> None:
    """What whoever started the command has ignored stays ignored."""
    command = [
        sys.executable,
        "-m",
        "bundler",
        "pack",
        str(environment),
        "--out",
        str(tmp_path / "app.tar"),
        "-v",
        "--no-verify",
    ]
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("planning"):
            process.send_signal(signal.SIGHUP)
            break
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "wrote" in said


def test_help_lists_every_command_with_what_it_does() -> None:
    done = bundler(["--help"])
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.partition("Commands:")[2].partition("Examples:")[0]
    assert set(re.findall(r"^  (\w+)  ", table, re.MULTILINE)) == set(cli.COMMANDS)
    assert set(cli.COMMANDS) == {"pack", "verify", "inspect", "diff", "fix", "patch"}
    text = " ".join(table.split())
    for name in cli.COMMANDS:
        command = cli.bundler.get_command(click.Context(cli.bundler), name)
        assert command is not None and command.help is not None
        assert f"{name} {' '.join(command.help.split()).partition('. ')[0].rstrip('.')}." in text, "cut"


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_help_ends_with_examples_that_fit_80_columns_and_are_no_wrong_usage(command: str) -> None:
    done = bundler([*command.split(), "--help"], {"COLUMNS": "80"})
    given = re.findall(r"^    (bundler .*)$", done.stdout.partition("  Examples:\n")[2], re.MULTILINE)
    assert len(given) > 1
    assert done.stdout.endswith(f"    {given[-1]}\n")
    for line in given:
        assert len(line) <= 76
        _, name, *words = shlex.split(line)
        assert command in ("", name)
        found = cli.bundler.get_command(click.Context(cli.bundler), name)
        assert found is not None
        with contextlib.suppress(click.exceptions.Exit):  # --help
            found.make_context(name, words)


def test_no_colours_go_into_a_pipe(environment: Path, bundle: Path, faulty: Path, tmp_path: Path) -> None:
    commands: list[list[str | Path]] = [
        ["--help"],
        ["pack", "--help"],
        ["pack"],
        ["pack", tmp_path, "--out", tmp_path / "out"],
        ["pack", environment, "--out", tmp_path / "out", "--dry-run", "-v"],
        ["verify", bundle, "--no-run", "-v"],
        ["verify", faulty],
        ["inspect", bundle],
        ["inspect", bundle, "--size"],
        ["diff", bundle, bundle],
    ]
    for arguments in commands:
        done = bundler(arguments, TERMINAL)
        assert done.stdout + done.stderr != ""
        assert "\x1b" not in done.stdout + done.stderr
        assert "\r" not in done.stdout + done.stderr
