"""The launchers: small static programs that start another one, found relative to themselves, with words of their own in front.

`scripts/build_stubs` makes one file a machine of `scripts/stubs/launcher.c`: a whole ELF file of one segment, but for the words
behind its code and what counts them. Anything may follow behind the words; the kernel does not map it.
"""

from __future__ import annotations

import enum
import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bundler.binaries.elf import constants as c
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os

_MAGIC = b"bndlexec"
_SIZES = struct.Struct("<QQ")
_SIZES_AT = 64 + 32
"""Of p_filesz and p_memsz of the first program header, in bytes from the file's start."""
_PARAMETERS = struct.Struct("<8sII")
"""Magic number; where the words begin, in bytes from here; how many there are."""
_PARAMETERS_AT = 64 + 2 * 56
_MACHINE = struct.Struct("<18xH")
_FILES = {c.EM_X86_64: "x86_64", c.EM_AARCH64: "aarch64"}
_ELF = b"\x7fELF\x02\x01"
HEAD_SIZE = 16384
"""How many bytes of a file hold every launcher that is made here, words included."""


class WordKind(enum.Enum):
    """What a word becomes."""

    TEXT = b"t"
    """Itself."""
    PATH = b"p"
    """A path from the launcher's folder: a whole one."""
    CALLED = b"c"
    """Itself, and behind it how the launcher was called: a path with a slash."""


class Word(NamedTuple):
    """A word of the command that a launcher runs."""

    kind: WordKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Launcher:
    """The code for one machine, and the names that it has."""

    machine: str
    """As `uname -m` says there."""
    code: bytes

    def program(self, words: Sequence[Word]) -> bytes:
        """The file that starts the first word, which is a PATH, with the others in front of what its user gives.

        Raises BinaryFormatError for words that are too long, all together.
        """
        block = b"".join(word.kind.value + os.fsencode(word.text) + b"\0" for word in words)
        data = bytearray(self.code + block)
        if len(data) > HEAD_SIZE:
            raise BinaryFormatError(f"a launcher cannot hold {len(block)} bytes of words")
        _SIZES.pack_into(data, _SIZES_AT, len(data), len(data))
        _PARAMETERS.pack_into(data, _PARAMETERS_AT, _MAGIC, len(self.code) - _PARAMETERS_AT, len(words))
        return bytes(data)


class ReadLauncher(NamedTuple):
    """What a launcher says."""

    words: tuple[Word, ...]
    is_whole: bool
    """Whether its code is what this version puts there, and its words fill the file as they should."""


def launcher_for(machine: str) -> Launcher | None:
    """The launcher for a machine (a name of `uname -m`); None where there is none."""
    return _read(machine) if machine in _FILES.values() else None


def launcher_machines() -> tuple[str, ...]:
    """The names of the machines for which there is a launcher."""
    return tuple(_FILES.values())


def is_launcher(head: bytes) -> bool:
    """Whether a file that begins with `head` is a launcher of bundler's, for any machine and of any version."""
    return head.startswith(_ELF) and head[_PARAMETERS_AT : _PARAMETERS_AT + len(_MAGIC)] == _MAGIC


def read_launcher(head: bytes) -> ReadLauncher | None:
    """What a file says that begins with `head` (HEAD_SIZE bytes, or all that it has); None for one that is no launcher.

    Raises BinaryFormatError for one that is damaged.
    """
    if not is_launcher(head):
        return None
    if len(head) < _PARAMETERS_AT + _PARAMETERS.size:
        raise BinaryFormatError("a launcher is cut off")
    _, words_at, count = _PARAMETERS.unpack_from(head, _PARAMETERS_AT)
    size, in_memory = _SIZES.unpack_from(head, _SIZES_AT)
    start = _PARAMETERS_AT + words_at
    if not start <= size == in_memory <= len(head):
        raise BinaryFormatError("the words of a launcher lie outside of it")
    block = head[start:size]
    pieces = block.split(b"\0")
    if pieces.pop() or len(pieces) != count or not count:
        raise BinaryFormatError("a launcher has other words than it counts")
    try:
        words = tuple(Word(WordKind(piece[:1]), os.fsdecode(piece[1:])) for piece in pieces)
    except ValueError as error:
        raise BinaryFormatError(f"a launcher has a word of no known kind: {error}") from error
    (machine,) = _MACHINE.unpack_from(head)
    launcher = launcher_for(_FILES.get(machine, ""))
    return ReadLauncher(words, launcher is not None and launcher.program(words) == head[:size])


@functools.cache
def _read(machine: str) -> Launcher:
    with opened(os.path.join(os.path.dirname(__file__), f"{machine}.bin")) as file:
        return Launcher(machine, file.read())
