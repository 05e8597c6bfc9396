"""A system on which nobody sees what a command opens: its half of `systems.system.System`."""

from __future__ import annotations

from collections.abc import Sequence


class Untraced:
    """See `systems.system.System`."""

    traces = False

    def found_by_name(self, path: str, program: str, library_path: Sequence[str]) -> str | None:
        """Nothing: nothing is traced."""
        return None

    def leaves_file_to_host(self, path: str) -> bool:
        """Nothing is traced."""
        return True

    def leaves_program_to_host(self, name: str) -> bool:
        """Nothing is traced."""
        return True
