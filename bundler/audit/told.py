"""What `bundle.json` says of the bundle as a whole: the audit goes by it, so it must be what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.rewrite.pyvenv_cfg import parse
from bundler.scheme import BundleScheme
from bundler.trees import MANIFEST

_TO_DO = "take the bundle again from where it came from, or pack again"
_LIBRARY = re.compile(r"python(\d+\.\d+)[td]*")
_PACKAGES = ("site-packages", "dist-packages")


def audit_told(tree: BundleTree) -> Iterator[Fault]:
    """Faults of `bundle.json`: another version of Python than the bundle has, and folders that are no such folders."""
    python = tree.manifest.python
    named = _LIBRARY.fullmatch(os.path.basename(python.stdlib))
    short = ".".join(python.version.split(".")[:2])
    if named is not None and named[1] != short:
        message = f"tells Python {python.version}, and the standard library is that of {named[1]}"
        yield Fault(FaultKind.MANIFEST, MANIFEST, message, _TO_DO)
    elif (version := _configured_version(tree)) not in ("", python.version):
        message = f"tells Python {python.version}, and pyvenv.cfg {version}"
        yield Fault(FaultKind.MANIFEST, MANIFEST, message, _TO_DO)
    if not _is_read(python.scheme):
        message = f"tells that packages lie in {python.scheme.site_packages}, where Python does not look for them"
        yield Fault(FaultKind.MANIFEST, MANIFEST, message, _TO_DO)
    for folder in sorted(tree.folders):
        if python.scheme.is_package_folder(folder) and folder not in python.site_packages:
            message = f"does not tell that {folder} is a folder of packages"
            yield Fault(FaultKind.MANIFEST, MANIFEST, message, _TO_DO)


def _configured_version(tree: BundleTree) -> str:
    """The version that `pyvenv.cfg` tells; "" for none."""
    seen = tree.files.get("pyvenv.cfg")
    text = seen.text if seen is not None else None
    return parse(text.decode("utf-8", "surrogateescape")).get("version", "") if text is not None else ""


def _is_read(scheme: BundleScheme) -> bool:
    """Whether `site` looks for packages in their folder: below that of the standard library, or its twin in `lib64`."""
    above, _, name = scheme.site_packages.rpartition("/")
    return name in _PACKAGES and os.path.basename(above) == os.path.basename(scheme.stdlib)
