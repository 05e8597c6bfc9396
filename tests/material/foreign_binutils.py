"""GNU binutils that know all of Debian's machines, unpacked beside this machine's own, which know their own machine alone."""

from __future__ import annotations

import pytest

from tests.material.debian import debian_packages


def multiarch(program: str) -> tuple[str, ...]:
    """The command for `strip`, `objcopy`, … of binutils-multiarch; skips where it cannot be had."""
    root = debian_packages("bookworm", ("binutils-multiarch", "libbinutils"), "", "binutils")
    found = sorted(root.glob(f"usr/bin/*-{program}"))
    if not found:
        pytest.skip(f"Debian's binutils-multiarch has no {program} here")
    libraries = ":".join(str(folder) for folder in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return ("env", f"LD_LIBRARY_PATH={libraries}", str(found[0]))
