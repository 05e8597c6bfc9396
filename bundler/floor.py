"""What a bundle runs on at least."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest release of `system` (`glibc`, `macOS`) on which a bundle runs, and what says so."""

    system: str
    release: tuple[int, int]
    file: str
    """The bundle path of the file that asks for it."""
    reason: str
    """A symbol version (`GLIBC_2.34`), or a sentence's end."""

    @property
    def text(self) -> str:
        """The release: `2.34`."""
        return f"{self.release[0]}.{self.release[1]}"
