"""Notes made by hand, as assembler text for gcc: in a section that the linker puts into a PT_NOTE."""

from __future__ import annotations

import json
from collections.abc import Sequence

DLOPEN_TYPE, RESOLUTION_CACHE_TYPE = 0x407C0C0A, 0x63A86CB6


def note(section: str, owner: str, type_: int, text: str) -> str:
    """C text with a note whose description is `text` and a NUL."""
    lines = (
        f'.pushsection {section}, "a", %note',
        ".balign 4",
        f".long {len(owner) + 1}, {len(text.encode()) + 1}, {type_:#x}",
        f".asciz {json.dumps(owner)}",
        ".balign 4",
        f".asciz {json.dumps(text)}",
        ".balign 4",
        ".popsection",
    )
    return f"asm({json.dumps(chr(10).join(lines) + chr(10))});\n"


def dlopen_note(*entries: dict[str, object]) -> str:
    """C text with a note of what a file opens at run time."""
    return note(".note.dlopen", "FDO", DLOPEN_TYPE, json.dumps(entries))


def opens(sonames: Sequence[str], priority: str = "", feature: str = "") -> dict[str, object]:
    """One entry of such a note."""
    words = {"priority": priority, "feature": feature}
    return {"soname": list(sonames), **{key: word for key, word in words.items() if word}}


def resolution_cache_note(text: str) -> str:
    """C text with a note as `patchelf --build-resolution-cache` writes it."""
    return note(".note.nixos.ldcache", "NixOS", RESOLUTION_CACHE_TYPE, text)
