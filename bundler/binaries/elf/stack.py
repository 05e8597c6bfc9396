"""What a file asks of the stack of its process (PT_GNU_STACK).

Source: glibc's elf/dl-load.c, and `DEFAULT_STACK_PERMS` in stackinfo.h of each machine: what a file without the header gets.
"""

from __future__ import annotations

import enum

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image

# The machines whose ABI never had code on the stack; on all others a file that says nothing is taken for an old one that has.
_NEVER_EXECUTABLE = frozenset({c.EM_AARCH64, c.EM_PPC64, c.EM_LOONGARCH})


class Stack(enum.Enum):
    """The stack that a file asks for, as glibc understands it."""

    PLAIN = "no code on the stack"
    EXECUTABLE = "its PT_GNU_STACK is marked executable"
    UNMARKED = "it has no PT_GNU_STACK, which means an executable stack on its machine"


def stack_of(image: Image) -> Stack:
    """The stack that the file of which `image` was read asks for."""
    headers = [segment for segment in image.segments if segment.type == c.PT_GNU_STACK]
    if not headers:
        return Stack.PLAIN if image.machine in _NEVER_EXECUTABLE else Stack.UNMARKED
    return Stack.EXECUTABLE if any(segment.flags & c.PF_X for segment in headers) else Stack.PLAIN
