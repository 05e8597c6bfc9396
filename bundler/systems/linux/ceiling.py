"""What stops a set of ELF files on a newer glibc, another processor or a hardened system."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from bundler.binaries.elf import Image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.properties import cpu_level, level_name
from bundler.binaries.elf.stack import Stack, stack_of
from bundler.ceiling import Ceiling, Demand
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import LibcVersion
from bundler.systems.linux.glibc import SUBFOLDERS


def find_ceiling(
    binaries: Iterable[ElfFile],
    versions: Iterable[LibcVersion],
    plain_stacks: Collection[str] = (),
    executable: str = "",
    *,
    heeds_stacks: bool = True,
) -> Ceiling:
    """The ceiling of `binaries`, which need `versions` of libc. Flags of the stack are cleared in the files `plain_stacks`.

    Only libraries are refused for their stacks, so of all programs the interpreter alone (`executable`, a bundle path) counts:
    the kernel gives to another one what it asks for. Where the loader never looks at them (not `heeds_stacks`) it counts alone.
    """
    files = sorted(binaries, key=lambda binary: binary.path)
    loaded = [file for file in files if file.path == executable or (heeds_stacks and not file.is_program)]
    stacks = [file for file in loaded if file.path not in plain_stacks]
    return Ceiling(
        executable_stacks=_paths(stacks, lambda image: stack_of(image) is Stack.EXECUTABLE),
        unmarked_stacks=_paths(stacks, lambda image: stack_of(image) is Stack.UNMARKED),
        cpu_level=_highest_level(files),
        unknown_versions=tuple(_unknown(versions)),
        text_relocations=_paths(files, _has_text_relocations),
        writable_code=_paths(files, _has_writable_code),
    )


def _paths(files: Sequence[ElfFile], asks: Callable[[Image], bool]) -> tuple[str, ...]:
    return tuple(file.path for file in files if asks(file.image))


def _highest_level(files: Sequence[ElfFile]) -> Demand | None:
    """The highest level, with the first file that needs it. Of copies for newer processors the loader takes what fits."""
    levels = {file.path: cpu_level(file.image) for file in files if not is_a_copy(file.path)}
    path = max(levels, key=levels.__getitem__, default="")
    return Demand(level_name(levels[path]), path) if levels.get(path, 1) > 1 else None


def is_a_copy(path: str) -> bool:
    """Whether the loader looks at a file on newer processors only."""
    return any(folder in SUBFOLDERS for folder in path.split("/")[:-1])


def _unknown(versions: Iterable[LibcVersion]) -> Iterator[Demand]:
    """Each feature that is not known, with the first file that needs it."""
    files = dict[str, str]()
    for each in versions:
        if each.is_unknown_feature:
            files.setdefault(each.version, each.path)
    return (Demand(version, path) for version, path in sorted(files.items()))


def _has_text_relocations(image: Image) -> bool:
    return image.entry(c.DT_TEXTREL) is not None or bool((image.entry(c.DT_FLAGS) or 0) & c.DF_TEXTREL)


def _has_writable_code(image: Image) -> bool:
    return any(
        segment.type == c.PT_LOAD and segment.flags & c.PF_W and segment.flags & c.PF_X for segment in image.segments
    )
