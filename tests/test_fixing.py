"""`bundler fix`: scripts that an installer wrote into a bundle move afterwards, RECORD agrees, and nothing else is touched."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.audit import verify
from bundler.binaries.elf.launchers import read_launcher
from bundler.errors import NotABundle, OutputFailed
from bundler.fixing import fix

SITE = "lib/python3.12/site-packages"
BODY = b"import sys\nprint(sys.argv[1:])\n"
RECORD = f"{SITE}/tool-1.0.dist-info/RECORD"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with a Python, into which pip wrote a script that names the place where it was then."""
    root = tmp_path / "bundle"
    (root / "bin").mkdir(parents=True)
    (root / SITE / "tool-1.0.dist-info").mkdir(parents=True)
    python = {"executable": "bin/python3.12", "stdlib": "lib/python3.12", "site_packages": [SITE]}
    (root / "bundle.json").write_text(json.dumps({"bundler": "0", "schema": 1, "python": python}))
    (root / "bin/python3.12").symlink_to(sys.executable)
    (root / "bin/python").symlink_to("python3.12")
    script = root / "bin/tool"
    script.write_bytes(b"#!/where/it/was/bin/python3.12\n" + BODY)
    script.chmod(0o750)
    (root / RECORD).write_text(f"../../../bin/tool,sha256=stale,1\n{RECORD.removeprefix(SITE + '/')},,\n")
    return root


def row(bundle: Path, path: str) -> str:
    return next(line for line in (bundle / RECORD).read_text().splitlines() if line.startswith(path))


def content(bundle: Path) -> dict[str, bytes]:
    return {str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def test_a_script_runs_wherever_the_bundle_is_and_record_has_its_digest(bundle: Path, tmp_path: Path) -> None:
    report = fix(str(bundle))
    assert list(report.scripts) == ["bin/tool"]
    assert report.records == (RECORD,)
    moved = bundle.rename(tmp_path / "moved")
    done = subprocess.run([moved / "bin/tool", "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "['a b']\n"
    data = (moved / "bin/tool").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert row(moved, "../../../bin/tool") == f"../../../bin/tool,sha256={digest},{len(data)}"
    assert (moved / "bin/tool").stat().st_mode & 0o777 == 0o750


def test_what_moves_already_stays_as_it_is(bundle: Path) -> None:
    fix(str(bundle))
    before = content(bundle)
    report = fix(str(bundle))
    assert (dict(report.scripts), report.records) == ({}, ())
    assert list(report.lines()) == [f"{bundle}: every script moves already"]
    assert content(bundle) == before


def test_a_dry_run_tells_and_changes_nothing(bundle: Path) -> None:
    before = content(bundle)
    report = fix(str(bundle), dry_run=True)
    assert list(report.scripts) == ["bin/tool"]
    assert content(bundle) == before


def test_among_the_packages_only_scripts_of_the_bundle_s_python_are_changed(bundle: Path) -> None:
    (bundle / SITE / "own").write_bytes(f"#!{bundle}/bin/python3.12\n".encode() + BODY)
    (bundle / SITE / "other").write_bytes(b"#!/usr/bin/python3\n" + BODY)
    (bundle / SITE / "data").write_bytes(f"#!{bundle}/bin/python3.12\n".encode())
    for name in ("own", "other"):
        (bundle / SITE / name).chmod(0o755)
    assert sorted(fix(str(bundle)).scripts) == ["bin/tool", f"{SITE}/own"]


def test_other_scripts_in_bin_stay(bundle: Path) -> None:
    for name, head in (("shell", b"#!/bin/sh\n"), ("perl", b"#!/usr/bin/perl\n"), ("binary", b"\x7fELF")):
        (bundle / "bin" / name).write_bytes(head + b"echo\n")
    assert list(fix(str(bundle)).scripts) == ["bin/tool"]


def test_a_bundle_with_launchers_gets_launchers(bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps({**manifest, "platform": {"system": "linux", "machine": "x86_64"}}))
    (bundle / "pyvenv.cfg").write_text("isolated = true\nlauncher = native\n")
    report = fix(str(bundle))
    assert dict(report.scripts) == {"bin/tool": "a launcher starts its text, which is in a side file"}
    launcher = read_launcher((bundle / "bin/tool").read_bytes())
    assert launcher is not None
    assert [word.text for word in launcher.words] == ["python", "-Xbundler=", "-E", "-s", "../libexec/bundler/bin/tool"]
    assert (bundle / "bin/tool").stat().st_mode & 0o777 == 0o750
    assert (bundle / "libexec/bundler/bin/tool").read_bytes().endswith(b"\n" + BODY)
    assert row(bundle, "../../../libexec/bundler/bin/tool,sha256=")
    before = content(bundle)
    assert (dict(fix(str(bundle)).scripts), content(bundle)) == ({}, before)


def test_an_isolated_bundle_gets_isolated_scripts(bundle: Path) -> None:
    (bundle / "pyvenv.cfg").write_text("isolated = true\n")
    fix(str(bundle))
    assert b" -E -s " in (bundle / "bin/tool").read_bytes()


def test_a_script_of_nobody_changes_no_record(bundle: Path) -> None:
    (bundle / RECORD).write_text("other,,\n")
    assert fix(str(bundle)).records == ()


def test_what_cannot_be_written_is_told_and_stays(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(bundle)

    def refuse(_source: str, target: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputFailed, match=r"cannot write .*bin/tool: Permission denied"):
        fix(str(bundle))
    assert content(bundle) == before


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.tar").touch()
    for path, words in ((tmp_path, "name the folder"), (tmp_path / "app.tar", "unpack an archive first")):
        with pytest.raises(NotABundle) as caught:
            fix(str(path))
        assert words in caught.value.hint


@pytest.mark.parametrize("command", [fix, verify])
def test_an_environment_or_a_project_is_no_bundle_and_the_hint_says_what_to_do(
    tmp_path: Path, command: Callable[[str], object]
) -> None:
    environment = tmp_path / "elsewhere/env"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin")
    project = tmp_path / "project"
    project.mkdir()
    (project / ".venv").write_text(f"{environment}\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/.venv").write_text("gone\n")
    (tmp_path / "dist/app").mkdir(parents=True)
    (tmp_path / "dist/app/bundle.json").write_text("{}")
    for path, message, hint in (
        (environment, "is an environment, and no bundle", f"bundler pack {environment} --out PATH"),
        (project, "is no bundle", f"bundler pack {project}/.venv --out PATH"),
        (project / ".venv", f"leads to {environment}", f"bundler pack {project}/.venv --out PATH"),
        (tmp_path / "broken/.venv", "gone, which does not exist", "mend the file"),
        (tmp_path / "dist", "is no bundle", f"did you mean {tmp_path}/dist/app?"),
    ):
        with pytest.raises(NotABundle) as caught:
            command(str(path))
        assert str(path) in caught.value.message
        assert (message in caught.value.message, hint in caught.value.hint) == (True, True), vars(caught.value)


def python_of(bundle: Path, **changes: object) -> None:
    """Change what the manifest says of Python."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["python"] |= changes
    (bundle / "bundle.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("how", ["absolute", "upwards", "packages", "link", "link of packages"])
def test_nothing_is_written_outside_of_a_bundle_whose_manifest_or_links_lead_out(
    bundle: Path, tmp_path: Path, how: str, dry_run: bool
) -> None:
    """Scripts of this machine have a first line that names a Python, too."""
    outside = tmp_path / "outside"
    (outside / "tool-1.0.dist-info").mkdir(parents=True)
    (outside / "script").write_bytes(b"#!/usr/bin/python3\n" + BODY)
    (outside / "script").chmod(0o755)
    (outside / "tool-1.0.dist-info/RECORD").write_text("../../../bin/tool,sha256=stale,1\n")
    match how:
        case "absolute":
            python_of(bundle, scheme={"scripts": str(outside)})
        case "upwards":
            python_of(bundle, scheme={"scripts": "../outside"})
        case "packages":
            python_of(bundle, site_packages=[SITE, "../outside"])
        case "link":
            (bundle / "bin").rename(bundle / "elsewhere")
            (bundle / "bin").symlink_to(outside)
        case "link of packages":
            (bundle / RECORD).parent.rename(bundle / "elsewhere")
            (bundle / RECORD).parent.symlink_to(outside / "tool-1.0.dist-info")
    before, inside = content(outside), content(bundle)
    with pytest.raises(NotABundle, match="nothing is written there"):
        fix(str(bundle), dry_run=dry_run)
    assert content(outside) == before
    assert content(bundle) == inside
    assert {fault.path for fault in verify(str(bundle), run=False).faults}


def test_a_manifest_that_is_no_file_is_none(bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    os.mkfifo(bundle / "bundle.json")
    with pytest.raises(NotABundle):
        fix(str(bundle))
