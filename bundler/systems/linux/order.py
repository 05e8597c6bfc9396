"""In which order the files of a tree are asked for what they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bundler.systems.linux.closure import ElfFile


def in_loading_order(binaries: Iterable[ElfFile], extension_suffixes: Sequence[str]) -> list[ElfFile]:
    """What Python opens by itself before what others bring: a library is looked up for its first requester."""
    suffixes = tuple(suffix for suffix in extension_suffixes if suffix != ".so") or (".so",)

    def rank(binary: ElfFile) -> tuple[int, str]:
        path = binary.path
        opened = path.endswith(suffixes) or "/lib-dynload/" in path or not path.startswith("lib")
        return (0 if opened else 1, path)

    return sorted(binaries, key=rank)
