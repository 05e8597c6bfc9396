"""Text of a bundle that must not name a place: scripts, `pyvenv.cfg`, `.pth` files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.rewrite.pth import PathLine, parse_pth
from bundler.rewrite.pyvenv_cfg import parse

_CONFIGURATION_TO_DO = (
    "a bundle's own says include-system-site-packages = false and has no home: mend these lines, or pack again"
)
_ABSOLUTE_PYTHON = re.compile(rb"#!\s*(/\S*/python[\d.]*[td]*)(\s|$)")
_EXEC_PYTHON = re.compile(rb"^'''exec' [\"']?(/[^\"']*/python[\d.]*[td]*)")


def audit_texts(tree: BundleTree) -> Iterator[Fault]:
    """Faults of texts that the manifest knows; those that an installer wrote later are its own business."""
    yield from _configuration(tree)
    for path in sorted(tree.files.keys() & tree.manifest.files.keys()):
        seen = tree.files[path]
        if tree.manifest.python.scheme.is_script(path):
            yield from _script(path, seen.head)
        elif path.endswith(".pth") and os.path.dirname(path) in tree.manifest.python.site_packages:
            yield from _pth(tree, path, seen.text or b"")


def _configuration(tree: BundleTree) -> Iterator[Fault]:
    seen = tree.files.get("pyvenv.cfg")
    if seen is None or seen.text is None:
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", "is no file", _CONFIGURATION_TO_DO)
        return
    config = parse(seen.text.decode("utf-8", "surrogateescape"))
    if "home" in config:
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", f"names a home: {config['home']}", _CONFIGURATION_TO_DO)
    if config.get("include-system-site-packages", "").lower() != "false":
        message = "does not say include-system-site-packages = false"
        yield Fault(FaultKind.CONFIGURATION, "pyvenv.cfg", message, _CONFIGURATION_TO_DO)


def _script(path: str, beginning: bytes) -> Iterator[Fault]:
    head = beginning.split(b"\n", 2)
    match = _ABSOLUTE_PYTHON.match(head[0])
    if match is None and head[0].startswith(b"#!/bin/sh") and len(head) > 1:
        match = _EXEC_PYTHON.match(head[1])
    if match is not None:
        yield Fault(FaultKind.SCRIPT, path, f"is run by {os.fsdecode(match[1])}", "bundler fix BUNDLE mends it")


def _pth(tree: BundleTree, path: str, data: bytes) -> Iterator[Fault]:
    for line in lines_leading_out(tree, os.path.dirname(path), data):
        hint = "install what lies there into the environment and pack again, or remove the line"
        yield Fault(FaultKind.CONFIGURATION, path, f"puts {line} on sys.path", hint)


def lines_leading_out(tree: BundleTree, folder: str, data: bytes) -> Iterator[str]:
    """The lines of a `.pth` file in the folder of packages `folder` that lead out of the bundle."""
    for line in parse_pth(data):
        if isinstance(line, PathLine):
            place = os.path.normpath(os.path.join(tree.path(folder), line.path))
            if line.path.startswith("/") or not (place + "/").startswith(tree.root + "/"):
                yield line.path
