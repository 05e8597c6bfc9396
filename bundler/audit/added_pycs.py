"""Modules that were compiled after the pack: only the bundle's Python can tell whether they have their sources' code."""

from __future__ import annotations

import shutil
import subprocess

from bundler.audit.observing import Subject
from bundler.audit.pycs import source_of
from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind, Findings
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder

_SCRIPT = "pyc_script.py"
_SECONDS = 300
_OTHER = b"1"


def audit_added_pycs(tree: BundleTree, place: str, subject: Subject) -> Findings:
    """Faults of those in the bundle in the folder `place` that Python would run in place of another code.

    Python compiles what it imports and keeps that beside the source, so such files are no additions like others.
    """
    pycs = (path for path in sorted(tree.files.keys() - tree.manifest.files.keys()) if path.endswith(".pyc"))
    pairs = [(source, path) for path in pycs if (source := source_of(path)) in tree.files and source is not None]
    if not pairs:
        return Findings([], [])
    done = _run(subject, b"".join(os.fsencode(os.path.join(place, path)) + b"\0" for pair in pairs for path in pair))
    answers = done.stdout.split()
    if done.returncode < 0:
        answers.append(_OTHER)  # no Python reads it to its end
    faults = []
    for (source, pyc), answer in zip(pairs, answers, strict=False):
        if answer == _OTHER:
            hint = f"rm {pyc}, unless it is the work of a tool that you know"
            faults.append(Fault(FaultKind.ADDED, pyc, f"was added, and has other code than {source}", hint))
    left = len(pairs) - len(answers)
    notes = (
        [f"{left} modules that were compiled after the pack could not be compared with their sources"] if left else []
    )
    return Findings(faults, notes)


def _run(subject: Subject, order: bytes) -> subprocess.CompletedProcess[bytes]:
    """The script's answers, and how it ended."""
    with TemporaryFolder("bundler-audit-") as folder:
        home = os.path.realpath(folder)
        shutil.copy(os.path.join(os.path.dirname(__file__), _SCRIPT), home)
        subject.cage.prepare(home)
        # What is compared may be anybody's, the standard library's among it: this process takes none of it.
        options = ["-I", "-S", "-B", "-W", "ignore", "-X", f"pycache_prefix={os.path.join(home, 'compiled')}"]
        command = [*subject.command, *options, os.path.join(home, _SCRIPT)]
        variables = subject.variables_at(home)
        try:
            return subprocess.run(
                command, input=order, cwd=home, env=variables, capture_output=True, check=False, timeout=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired):
            return subprocess.CompletedProcess(command, 1, b"", b"")
