"""Ways to spoil a bundle: metadata of distributions, and `bundle.json` itself."""

from __future__ import annotations

from typing import Any

from bundler.faults import FaultKind
from tests.audit.spoiling.way import Spoiled, way

ADDED, CONTENT, MANIFEST = FaultKind.ADDED, FaultKind.CONTENT, FaultKind.MANIFEST
INFO = "{site}/stall-1.0.dist-info"
ENTRY_POINTS = b"[pytest11]\nevil = evil\n"


@way("metadata-gone", CONTENT, f"{INFO}/METADATA", "is missing")
def _(bundle: Spoiled) -> None:
    bundle.remove(f"{bundle.site}/stall-1.0.dist-info/METADATA")


@way("dist-info-twice", ADDED, "{site}/stall-0.9.dist-info/METADATA", "was added beside")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/stall-0.9.dist-info/METADATA", b"Metadata-Version: 2.1\nName: stall\nVersion: 0.9\n")


@way("planted-distribution", ADDED, "{site}/evil-1.dist-info/entry_points.txt", "programs that look for plugins")
def _(bundle: Spoiled) -> None:
    bundle.write(f"{bundle.site}/evil-1.dist-info/METADATA", b"Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    bundle.write(f"{bundle.site}/evil-1.dist-info/entry_points.txt", ENTRY_POINTS)


@way("record-row-wrong", CONTENT, f"{INFO}/RECORD", "has another digest of bin/stall than that file")
def _(bundle: Spoiled) -> None:
    record = f"{bundle.site}/stall-1.0.dist-info/RECORD"
    lines = bundle.read(record).splitlines(keepends=True)
    row = b"../../../bin/stall,sha256=" + b"A" * 43 + b",1\n"
    wrong = [row if line.startswith(b"../../../bin/stall,") else line for line in lines]
    assert wrong != lines
    bundle.write(record, b"".join(wrong))
    bundle.accept(record)


@way("record-row-out", CONTENT, f"{INFO}/RECORD", "an uninstall deletes it wherever the bundle is")
def _(bundle: Spoiled) -> None:
    record = f"{bundle.site}/stall-1.0.dist-info/RECORD"
    bundle.write(record, bundle.read(record) + b"../../../../../etc/stall.conf,,\n")
    bundle.accept(record)


@way("direct-url-of-the-builder", FaultKind.CONFIGURATION, f"{INFO}/direct_url.json", "file:///builder/stall")
def _(bundle: Spoiled) -> None:
    path = f"{bundle.site}/stall-1.0.dist-info/direct_url.json"
    bundle.write(path, b'{"url": "file:///builder/stall", "dir_info": {}}')
    bundle.accept(path)


def edited(name: str, kind: FaultKind, path: str, words: str, change: Any) -> None:
    """A way that changes `bundle.json` alone."""
    way(name, kind, path, words)(lambda bundle: bundle.edit(change))


def set_in(manifest: dict[str, Any], *way_to: str, value: object) -> None:
    *folders, last = way_to
    for name in folders:
        manifest = manifest[name]
    manifest[last] = value


edited(
    "version-edited", MANIFEST, "bundle.json", "tells Python 3.7.1, and the standard library is that of",
    lambda manifest: set_in(manifest, "python", "version", value="3.7.1"),
)  # fmt: skip
edited(
    "patch-release-edited", MANIFEST, "bundle.json", "and pyvenv.cfg",
    lambda manifest: set_in(manifest, "python", "version", value=manifest["python"]["version"] + "9"),
)  # fmt: skip
edited(
    "machine-edited", MANIFEST, "bundle.json", "tells a bundle for s390x",
    lambda manifest: set_in(manifest, "platform", "machine", value="s390x"),
)  # fmt: skip
edited(
    "floor-edited", MANIFEST, "{floor_file}", "and bundle.json tells 2.3",
    lambda manifest: set_in(manifest, "platform", "floor", value="2.3"),
)  # fmt: skip
edited(
    "interpreter-edited", FaultKind.LIBRARY, "bin/stall", "is no ELF file",
    lambda manifest: set_in(manifest, "python", "executable", value="bin/stall"),
)  # fmt: skip
edited(
    "layout-edited", MANIFEST, "bundle.json", "does not tell that {site} is a folder of packages",
    lambda manifest: set_in(manifest, "python", "site_packages", value=["lib/site-packages"]),
)  # fmt: skip
edited(
    "layout-elsewhere", MANIFEST, "bundle.json", "where Python does not look for them",
    lambda manifest: set_in(manifest, "python", "scheme", "site_packages", value="share/packages"),
)  # fmt: skip
edited(
    "distribution-edited", MANIFEST, "bundle.json", "tells stall 2.0",
    lambda manifest: set_in(manifest, "distributions", value=[{"name": "Stall", "version": "2.0"}]),
)  # fmt: skip
edited(
    "digest-edited", CONTENT, "{site}/plain.py", "has other content",
    lambda manifest: set_in(manifest, "files", _plain(manifest), "sha256", value="0" * 64),
)  # fmt: skip
edited(
    "entry-removed", ADDED, "{stdlib}/abc.py", "to the standard library",
    lambda manifest: manifest["files"].pop(f"{manifest['python']['stdlib']}/abc.py"),
)  # fmt: skip
edited(
    "entry-invented", CONTENT, "share/nothing", "is missing",
    lambda manifest: set_in(manifest, "files", "share/nothing", value={"sha256": "0" * 64, "size": 1}),
)  # fmt: skip
edited(
    "entry-out", CONTENT, "../share/nothing", "is missing",
    lambda manifest: set_in(manifest, "files", "../share/nothing", value={"sha256": "0" * 64, "size": 1}),
)  # fmt: skip
edited(
    "mode-edited", CONTENT, "{site}/plain.py", "its owner may not execute it",
    lambda manifest: set_in(manifest, "files", _plain(manifest), "mode", value="755"),
)  # fmt: skip


def _plain(manifest: dict[str, Any]) -> str:
    return f"{manifest['python']['site_packages'][0]}/plain.py"
