"""Self-extracting files, under the shells of a target: all that they say they do, or nothing."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.entries import Deferred, Directory, Layer, Literal
from tests.material.programs import need
from tests.sinks.samples import entry, manifest, sample, write

SHELLS = (
    "dash",
    "busybox sh",
    "bash --posix",
    *(pytest.param(shell, marks=pytest.mark.everything) for shell in ("ksh93", "mksh", "zsh --emulate sh")),
)


def run_file(tmp_path: Path, shell: str) -> tuple[Path, Callable[..., subprocess.CompletedProcess[str]]]:
    """A self-extracting file in a folder with an odd name, and how to call it under a shell."""
    need(shell.split(maxsplit=1)[0])
    folder = tmp_path / "sp ace 'q\" $HOME"
    folder.mkdir()
    entries = sample(tmp_path)
    entries[2] = entry("bin/run", Literal(b'#!/bin/sh\necho started "$@"\n'), 0o755)
    entries[-1] = entry("bundle.json", Deferred(manifest), layer=Layer.APPLICATION)
    path = write("run", folder / "a.run", entries)

    def call(*arguments: str | Path, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        command = [*shell.split(), str(path), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)

    return path, call


@pytest.mark.parametrize("shell", SHELLS)
def test_a_self_extracting_file_does_what_it_says(tmp_path: Path, shell: str) -> None:
    path, call = run_file(tmp_path, shell)
    assert os.access(path, os.X_OK)
    assert "usage" in call("--help").stdout
    assert call("--check").stdout == "a.run is whole\n"
    assert "bin/run" in call("--list").stdout.splitlines()
    target = tmp_path / "deep er/-target"
    done = call("--target", target)
    assert done.returncode == 0, done.stderr
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()
    assert call("--target", target).returncode == 1, "nothing is replaced unasked"
    (target / "bin/run").unlink()
    (target / "__pycache__").mkdir()
    (target / "__pycache__/a.cpython-312.pyc").touch()
    (target / "bundle.intoto.jsonl").write_text("{}\n")  # who has its signature may put it there
    done = call(f"--target={target}", "--force")
    assert (done.returncode, done.stderr) == (0, "")
    assert (target / "bin/run").exists() and not (target / "__pycache__").exists()
    assert not (target / "bundle.intoto.jsonl").exists()
    assert os.listdir(target.parent) == ["-target"]
    assert call("--target", "-t", "--start", "a b", "--force").stdout == "started a b --force\n"
    assert call("--target", "-t", "--start").stdout == "started\n"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").touch()
    assert call("--target", precious, "--force").returncode == 1
    assert os.listdir(precious) == ["thesis"]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_somebody_did_to_the_bundle_that_is_there_stops_it_by_name(tmp_path: Path, shell: str) -> None:
    _, call = run_file(tmp_path, shell)
    target = tmp_path / "target"

    def refused(*named: str) -> None:
        done = call("--target", target, "--force")
        assert done.returncode == 1
        for name in named:
            assert name in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert os.listdir(tmp_path / "target") and not list(tmp_path.glob("target.*"))
        subprocess.run(["rm", "-rf", target], check=True)
        assert call("--target", target).returncode == 0

    assert call("--target", target).returncode == 0
    for name in ("a note", "bin/ü", 'with "quotes"', "with\\backslash", "link to"):
        (target / name).symlink_to("x") if name == "link to" else (target / name).touch()
        refused("was changed after it was unpacked", name if name.isascii() else "bin/")
    for name in "abcde":
        (target / name).touch()
    refused("a, b, c and 2 more")
    (target / "bin/run").write_text("mine")
    refused("bin/run")
    (target / "bundle.json").write_text("{}\n")
    refused("bin/run")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("damage", ["a byte", "the end", "more"])
def test_a_damaged_payload_touches_nothing(tmp_path: Path, shell: str, damage: str) -> None:
    path, call = run_file(tmp_path, shell)
    data = bytearray(path.read_bytes())
    if damage == "a byte":
        data[-1000] ^= 1
    path.write_bytes({"a byte": bytes(data), "the end": bytes(data[:-7]), "more": bytes(data) + b"x"}[damage])
    for arguments in (["--target", "out"], ["--check"], ["--list"], ["--target", "out", "--start"]):
        done = call(*arguments)
        assert done.returncode == 1
        assert "damaged" in done.stderr
    assert os.listdir(path.parent) == ["a.run"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_full_disk_leaves_the_bundle_that_was_there(tmp_path: Path, shell: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    _, call = run_file(tmp_path, shell)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=True)
    try:
        (disk / "app").mkdir()
        (disk / "app/bundle.json").write_text("before")
        done = call("--target", disk / "app", "--force")
        assert done.returncode == 1
        assert "too little space" in done.stderr
        assert os.listdir(disk) == ["app"]
        assert os.listdir(disk / "app") == ["bundle.json"]
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_folders_that_their_owner_may_not_write_to_are_replaced(tmp_path: Path, shell: str) -> None:
    """Bazel's and Nix's folders have the mode 0555, and a plain user unpacks and replaces them."""
    need(shell.split(maxsplit=1)[0])
    entries = [item._replace(mode=0o555) if isinstance(item.content, Directory) else item for item in sample(tmp_path)]
    entries[-1] = entries[-1]._replace(content=Deferred(manifest))
    with tempfile.TemporaryDirectory() as name:
        path = write("run", Path(name, "a.run"), entries)
        out = Path(name, "out")
        out.mkdir()
        become: list[str] = []
        if os.geteuid() == 0:
            become = [need("setpriv"), "--reuid=65534", "--clear-groups"]
            os.chown(out, 65534, -1)
            os.chmod(name, 0o755)
        command = [*become, *shell.split(), str(path), "--target", str(out / "app")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if shell == "busybox sh":  # whose own tar sets a folder's mode before it writes into it
            assert (done.returncode, os.listdir(out)) == (1, [])
            assert "cannot be unpacked into" in done.stderr
            return
        assert done.returncode == 0, done.stderr
        assert (out / "app/bin").stat().st_mode & 0o777 == 0o555
        (out / "app").chmod(0o555)
        done = subprocess.run([*command, "--force"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(out) == ["app"]
        assert os.access(out / "app/bin/run", os.X_OK)


def test_a_target_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    need("setpriv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = write("run", folder / "a.run", sample(tmp_path))
        command: list[str | Path] = [
            "setpriv",
            "--reuid=65534",
            "--clear-groups",
            "sh",
            path,
            "--target",
            folder / "app",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "cannot be written to" in done.stderr
        assert os.listdir(folder) == ["a.run"]
