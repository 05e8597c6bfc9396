"""The programs that lay an ELF file out anew, after which a patched one has to run."""

from __future__ import annotations

import functools
import os

from tests.material.foreign_binutils import multiarch
from tests.material.programs import need

STRIPS = ("strip", "strip -g", "objcopy", "llvm-strip", "eu-strip")
"""The commands, in front of a file's name."""


def commands(machine: str) -> dict[str, tuple[str, ...]]:
    """The commands that know programs of the machine, by their names here."""
    return {strip: _command(strip, machine == os.uname().machine) for strip in STRIPS}


@functools.cache
def _command(strip: str, own: bool) -> tuple[str, ...]:
    program, *words = strip.split()
    if own or program in ("llvm-strip", "eu-strip"):  # these know every machine
        return (need(program), *words)
    return (*multiarch(program), *words)
