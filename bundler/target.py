"""A system to which a bundle shall go, by name: what it has, and where that is written. The tables are with the systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.floor import Release, text_of
from bundler.platforms import Libc, OperatingSystem

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One system, or all that have at least this much. What is not known is not checked."""

    name: str
    """`debian11`."""
    title: str
    """`Debian 11`."""
    system: OperatingSystem
    release: Release | None
    """Of what floors are releases of: glibc under Linux, else the system itself. None for a Linux without glibc."""
    sources: tuple[str, ...]
    """Addresses of public documents that say so."""
    libc: Libc | None = None
    """Under Linux."""
    kernel: Release | None = None
    """The oldest that it is used with."""
    cpu_level: int = 1
    """The level of x86-64 processors that all its machines have: 2 for `x86-64-v2`."""
    symbols: Mapping[str, Version] = field(default_factory=dict)
    """The latest symbol versions of its C++ libraries, by what stands before the number: `GLIBCXX`."""
    machine: str = ""
    """The one machine that is meant, as `uname -m` names it; "" for any."""
    aliases: tuple[str, ...] = ()
    """Further names for the same."""

    @property
    def has(self) -> str:
        """What matters most of it, in words: `glibc 2.31`, `musl`."""
        if self.release is None:
            return self.libc.value if self.libc is not None else self.title
        what = self.libc.value if self.libc is not None else self.system.shown
        return f"{what} {text_of(self.release)}"
