"""What installers did to a bundle after the pack, as far as the RECORDs that they left agree with what is there."""

from __future__ import annotations

import base64
import re
from functools import cached_property

from bundler.audit.tree import BundleTree
from bundler.bundle_paths import lies_in, normal
from bundler.machine import os
from bundler.rewrite.record import parse_record

_INTERPRETER = re.compile(r"python\d*(\.\d+)?[td]*")


class Installed:
    """Tells what an installer may have done. In an archive that is nothing: nobody installs into one."""

    def __init__(self, tree: BundleTree) -> None:
        self._tree = tree

    def came_later(self, path: str) -> bool:
        """Whether the file at a bundle path was added, or replaced by an installer, after the pack; the runtime never is."""
        tree = self._tree
        if tree.in_archive or path not in tree.files or path == tree.manifest.python.executable:
            return False
        return path not in tree.manifest.files or self.replaced(path)

    def replaced(self, path: str) -> bool:
        """Whether an installer put the file there, in place of one of the pack or not: a RECORD of its own says the same digest."""
        tree = self._tree
        if tree.in_archive or not self._may_change(path) or tree.is_as_packed(path):
            return False
        if path in self._records:
            return True  # it is such a RECORD itself
        claimed = self._claims.get(path)
        return claimed is not None and claimed in ("", tree.files[path].sha256)

    def removed(self, path: str) -> bool:
        """Whether an installer may have taken a file of the pack away: a RECORD is gone with it, or new, and none has it."""
        return (
            not self._tree.in_archive and self._may_change(path) and self._has_uninstalled and path not in self._owned
        )

    def _may_change(self, path: str) -> bool:
        """Whether an installer may change the path: packages, and what they brought elsewhere; never the runtime."""
        python = self._tree.manifest.python
        if any(path.startswith(folder + "/") for folder in python.site_packages):
            return True
        fact = self._tree.manifest.files.get(path)
        if fact is None:
            return True
        scheme = python.scheme
        folders = (scheme.stdlib, scheme.dynload, scheme.bundled, scheme.include)
        runtime = (
            path in ("pyvenv.cfg", scheme.stdlib_zip)
            or ("/" not in path and not scheme.bundled)  # Windows: what lies beside `python.exe`
            or scheme.is_libpython(path)
            or any(lies_in(path, folder) for folder in folders if folder)
        )
        interpreter = scheme.is_script(path) and _INTERPRETER.fullmatch(os.path.basename(path)) is not None
        return fact.origin.startswith("env:") and not runtime and not interpreter

    @cached_property
    def _records(self) -> frozenset[str]:
        """RECORDs that no pack wrote."""
        return frozenset(path for path in self._all_records if not self._tree.is_as_packed(path))

    @cached_property
    def _all_records(self) -> tuple[str, ...]:
        return tuple(path for path in self._tree.files if path.endswith(".dist-info/RECORD"))

    @cached_property
    def _has_uninstalled(self) -> bool:
        packed = (path for path in self._tree.manifest.files if path.endswith(".dist-info/RECORD"))
        return bool(self._records) or any(path not in self._tree.files for path in packed)

    @cached_property
    def _claims(self) -> dict[str, str]:
        """Digests (hexadecimal SHA-256, "" for none) by bundle path, as RECORDs of installers tell them."""
        return {path: digest for record in self._records for path, digest in self._rows(record)}

    @cached_property
    def _owned(self) -> frozenset[str]:
        """Bundle paths that any RECORD has which is there."""
        return frozenset(path for record in self._all_records for path, _ in self._rows(record))

    def _rows(self, record: str) -> list[tuple[str, str]]:
        text = self._tree.files[record].text
        site_packages = os.path.dirname(os.path.dirname(record))
        rows = parse_record(text).rows if text is not None else ()
        found = []
        for row in rows:
            path = normal(f"{site_packages}/{row.path}") if not row.path.startswith("/") else None
            if path is not None:
                found.append((path, hexadecimal(row.digest)))
        return found


def hexadecimal(digest: str) -> str:
    """A digest of RECORD (`sha256=`, base64 for URLs without padding) as `bundle.json` writes it; "" for none, or another kind."""
    kind, _, text = digest.partition("=")
    if kind != "sha256":
        return ""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except ValueError:
        return "?"
