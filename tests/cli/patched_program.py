"""`bundler patch` on a program of this machine: run it, and look at what it changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from tests.binaries.elf.programs import EXPECTED

EXTRA = (
    '#include <stdio.h>\n__attribute__((constructor)) static void here(void) { printf("extra "); fflush(stdout); }\n'
)
FIRST, SECOND = EXPECTED.format(1), EXPECTED.format(2)
LONG = "/a/directory/whose/name/is/longer/than/what/was/there/" + "x" * 200


def bundler(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """What `bundler patch` says."""
    command = [sys.executable, "-m", "bundler", "patch", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def patch(*words: str | Path) -> str:
    """The command's standard output; it must succeed."""
    done = bundler(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*words: str | Path, status: int = 1) -> str:
    """The message of a command that fails."""
    done = bundler(*words)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def tags(path: Path) -> dict[str, list[str]]:
    """The dynamic section's names, as pyelftools reads them, by tag."""
    found: dict[str, list[str]] = {}
    with path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        for tag in section.iter_tags():
            for field in ("needed", "soname", "rpath", "runpath"):
                if tag.entry.d_tag == f"DT_{field.upper()}":
                    found.setdefault(field, []).append(getattr(tag, field))
    return found


def state(path: Path) -> tuple[bytes, os.stat_result]:
    """All that a command could change."""
    facts = path.stat()
    return path.read_bytes(), os.stat_result((*facts[:7], 0, *facts[8:10]))  # not the time of the last reading
