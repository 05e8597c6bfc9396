"""What a file is, as far as it matters for what is looked for in it, and how."""

from __future__ import annotations

import enum

_HEAD = 1024
_IN_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_COMPILED = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class FileKind(enum.Enum):
    """By its name and its beginning."""

    TEXT = "text"
    UTF_16 = "text in UTF-16"
    PYC = "compiled module"
    COMPILED = "ELF or Mach-O"
    """Whose strings are never in UTF-16."""
    BINARY = "binary"

    @property
    def is_text(self) -> bool:
        """Whether it has lines."""
        return self in (FileKind.TEXT, FileKind.UTF_16)

    @property
    def is_compiled(self) -> bool:
        """Whether strings stand in it as they are, and not escaped."""
        return self in (FileKind.PYC, FileKind.COMPILED)

    @property
    def may_hold_utf_16(self) -> bool:
        """Whether strings in UTF-16 may stand in it: Windows' programs, and data of any kind."""
        return self is FileKind.BINARY


def kind_of_file(path: str, head: bytes) -> FileKind:
    """The kind of the file at a path that begins so."""
    if path.endswith(".pyc"):
        return FileKind.PYC
    if head.startswith(_COMPILED):
        return FileKind.COMPILED
    if head.startswith(_IN_UTF_16):
        return FileKind.UTF_16
    return FileKind.BINARY if b"\0" in head[:_HEAD] else FileKind.TEXT
