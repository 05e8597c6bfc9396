"""What an installer put into a bundle after the pack is told from damage: by a RECORD of its own, and never in the runtime."""

from __future__ import annotations

import base64

import pytest

from bundler.audit.installed import Installed
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from bundler.scheme import BundleScheme
from tests.material.schemes import POSIX_312, WINDOWS_312

OLD, NEW = "00" * 32, "11" * 32


def installed(scheme: BundleScheme, *replaced: str) -> Installed:
    """A bundle in which files have other contents than when they were packed; a RECORD that came later claims each of them."""
    site = scheme.site_packages
    to_root = "/".join([".."] * len(site.split("/")))
    digest = base64.urlsafe_b64encode(bytes.fromhex(NEW)).decode().rstrip("=")
    record = "".join(f"{to_root}/{path},sha256={digest},1\n" for path in replaced)
    facts = {path: FileFact(OLD, origin="env:" + path) for path in replaced}
    manifest = Manifest("1", PythonFacts("3.12.1", scheme, None, (site,), (".so", ".pyd")), "x", None, (), facts)
    files = {path: SeenFile(NEW, 0) for path in replaced}
    files[f"{site}/later-1.dist-info/RECORD"] = SeenFile(NEW, 0, text=record.encode())
    return Installed(BundleTree("/bundle", manifest, files, {}, frozenset(), frozenset()))


@pytest.mark.parametrize(
    ("scheme", "script", "runtime"),
    [
        (POSIX_312, "bin/pip", ("bin/python3.12", "lib/python3.12/os.py", "lib/libpython3.12.so.1.0")),
        (
            WINDOWS_312,
            "Scripts/pip.exe",
            ("python.exe", "python312.dll", "vcruntime140.dll", "Lib/os.py", "DLLs/_ssl.pyd", "python312.zip"),
        ),
    ],
)
def test_an_installer_replaces_scripts_and_packages_and_never_the_runtime(
    scheme: BundleScheme, script: str, runtime: tuple[str, ...]
) -> None:
    module, data = f"{scheme.site_packages}/six.py", "share/data.txt"
    found = installed(scheme, script, module, data, *runtime)
    assert [path for path in (script, module, data, *runtime) if found.replaced(path)] == [script, module, data]
