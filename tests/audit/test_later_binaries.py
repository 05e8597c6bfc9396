"""What an installer brought after the pack is told apart; nobody replaces the runtime, least of all the program that is run."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace

from bundler.audit.installed import Installed
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from tests.material.schemes import POSIX_312

PACKAGES = "lib/python3.12/site-packages"
PACKED = ("a.so", "replaced.so", "broken.so", "missing.so")
MODULE = "lib/python3.12/lib-dynload/_ssl.so"
LATER = (f"{PACKAGES}/replaced.so", f"{PACKAGES}/added.so", "share/added.so")
RECORD = f"{PACKAGES}/new-1.dist-info/RECORD"
OLD, NEW = "11" * 32, "22" * 32


def row(path: str, digest: str = NEW) -> str:
    return f"{path},sha256={urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b'=').decode()},0\n"


def bundle() -> BundleTree:
    """A bundle in which an installer replaced one file and added others, and something else broke one."""
    python = PythonFacts("3.12.1", POSIX_312, None, (PACKAGES,), ())
    facts = {f"{PACKAGES}/{name}": FileFact(OLD, origin="env:x") for name in PACKED} | {
        MODULE: FileFact(OLD, origin="base:x")
    }
    rows = (
        row("replaced.so") + row("broken.so", "33" * 32) + row("added.so") + row("../../python3.12/lib-dynload/_ssl.so")
    )
    files = {name: SeenFile(NEW, 0) for name in (*LATER, f"{PACKAGES}/broken.so", MODULE, "bin/python3.12")} | {
        f"{PACKAGES}/a.so": SeenFile(OLD, 0),
        RECORD: SeenFile(NEW, 0, text=rows.encode()),
    }
    return BundleTree("/bundle", Manifest("1", python, "x86_64", None, (), facts), files, {}, frozenset(), frozenset())


def test_files_that_an_installer_added_or_replaced_came_later_and_the_runtime_never_did() -> None:
    installed = Installed(bundle())
    names = (*bundle().files, f"{PACKAGES}/missing.so", "/outside/program")
    assert sorted(name for name in names if installed.came_later(name)) == sorted((*LATER, RECORD))


def test_without_a_record_that_agrees_nothing_was_replaced_by_an_installer() -> None:
    found = bundle()
    records = {path: replace(seen, text=b"") if path == RECORD else seen for path, seen in found.files.items()}
    assert not Installed(replace(found, files=records)).came_later(f"{PACKAGES}/replaced.so")


def test_nobody_installs_into_an_archive() -> None:
    installed = Installed(replace(bundle(), in_archive=True))
    assert not [name for name in bundle().files if installed.came_later(name)]
    assert not installed.removed(f"{PACKAGES}/missing.so")
