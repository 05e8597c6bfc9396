"""Scripts of a bundle: each must find the bundle's Python by itself, whatever the place and whoever calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.bundle_paths import normal
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.rewrite.launchers import Unnamed, read_heads
from bundler.rewrite.scripts import has_header, runs_side_file, side_file_path

_ABSOLUTE_PYTHON = re.compile(rb"#!\s*(/\S*/python[\d.]*[td]*)(\s|$)")
_EXEC_PYTHON = re.compile(rb"^'''exec' [\"']?(/[^\"']*/python[\d.]*[td]*)")
_STARTED = re.compile(rb'^exec "\$\{__bundler_(?:file|script)%/\*\}/([^"]+)"', re.MULTILINE)
_FIXED = "bundler fix BUNDLE mends it"
_TO_DO = "take the bundle again from where it came from, or pack again"


def audit_scripts(tree: BundleTree) -> Iterator[Fault]:
    """Faults of scripts that the manifest knows; those that an installer wrote later are its own business."""
    rewritten = {change.path for change in tree.manifest.changed if has_header(change.reason)}
    starters: dict[str, list[str]] = {}
    scripts = {path for path in tree.files if tree.manifest.python.scheme.is_script(path)}
    for path in sorted((scripts | rewritten) & tree.files.keys() & tree.manifest.files.keys()):
        head = tree.files[path].head
        if path in scripts:
            for interpreter in _foreign(head):
                yield Fault(FaultKind.SCRIPT, path, f"is run by {interpreter}", _FIXED)
        started = _STARTED.search(head)
        if started is None or b"\r\n" in head[: started.end()]:
            if path in rewritten and tree.is_as_packed(path):
                message = "has lost the header by which it finds the bundle's Python"
                yield Fault(FaultKind.SCRIPT, path, message, _TO_DO)
            continue
        program = normal(f"{os.path.dirname(path)}/{os.fsdecode(started[1])}")
        starters.setdefault(os.fsdecode(started[1]) if program is None else program, []).append(path)
        if runs_side_file(head) and side_file_path(path) not in tree.files:
            yield Fault(FaultKind.SCRIPT, path, f"runs {side_file_path(path)}, which is not there", _TO_DO)
    for program, found in starters.items():
        if tree.follow(program) not in tree.files:
            message = f"is no file of the bundle, and {found[0]}{_more(found)} would start it"
            yield Fault(FaultKind.SCRIPT, program, message, _TO_DO)


def _foreign(beginning: bytes) -> Iterator[str]:
    """The Python that runs a script, where it is not the bundle's."""
    head = beginning.split(b"\n", 2)
    match = _ABSOLUTE_PYTHON.match(head[0])
    if match is None and head[0].startswith(b"#!/bin/sh") and len(head) > 1:
        match = _EXEC_PYTHON.match(head[1])
    if match is not None:
        yield os.fsdecode(match[1])
        return
    for found in read_heads(beginning):
        if found.interpreter is Unnamed.ON_PATH:
            yield "the first Python on PATH, whichever that is"
        elif isinstance(found.interpreter, str) and not found.guessed and not found.interpreter.startswith("/"):
            yield f"{found.interpreter}, which is looked for in the working directory"


def _more(paths: list[str]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""
