"""In which order the files of a tree are asked for what they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bundler.systems.linux.elf_files import ElfFile


def in_loading_order(binaries: Iterable[ElfFile], extension_suffixes: Sequence[str]) -> list[ElfFile]:
    """What Python opens by itself, and programs, before what others bring, which is marked so."""
    suffixes = tuple(suffix for suffix in extension_suffixes if suffix != ".so") or (".so",)

    def is_brought(path: str) -> bool:
        return not (path.endswith(suffixes) or "/lib-dynload/" in path or not path.startswith("lib"))

    marked = (replace(binary, brought=is_brought(binary.path)) for binary in binaries)
    return sorted(marked, key=lambda binary: (binary.brought, binary.path))
