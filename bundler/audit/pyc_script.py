"""Run by a bundle's interpreter (CPython 3.8 or later, `-I -S -B`, with a `pycache_prefix`): are pycs what their sources say?

Reads pairs of absolute paths from standard input, each path with a NUL behind it: a source, and what was compiled of it. Writes a
line for each pair: 1 where Python would take the compiled module and run other code than the source's, else 0. A compiled module
that ends the process has none. Of the standard library it needs no more than Python does to start: the rest may be left out.
"""

import marshal
import os
import sys
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import source_hash

_HEADER = 16  # magic, flags, then time and size or a hash (PEP 552)
_CHECKED = 3


def level(pyc):
    """The level of optimization that a file's name tells."""
    parts = os.path.basename(pyc).split(".")
    return int(parts[-2][len("opt-") :]) if parts[-2].startswith("opt-") else 0


def is_taken(head, source, data):
    """Whether Python takes a pyc that begins so for the source, instead of compiling that."""
    flags = int.from_bytes(head[4:8], "little")
    if head[:4] != MAGIC_NUMBER or len(head) < _HEADER:
        return False
    if flags:
        return flags != _CHECKED or head[8:] == source_hash(int.from_bytes(MAGIC_NUMBER, "little"), data)
    facts = os.stat(source)
    told = (int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:], "little"))
    return told == (int(facts.st_mtime) & 0xFFFFFFFF, facts.st_size & 0xFFFFFFFF)


def is_other(source, pyc):
    """Whether Python runs other code than the source's."""
    with open(source, "rb") as file:
        data = file.read()
    with open(pyc, "rb") as file:
        head, code = file.read(_HEADER), file.read()
    name = os.path.basename(pyc).split(".", 1)[1]
    if not name.startswith(sys.implementation.cache_tag + ".") or not is_taken(head, source, data):
        return False
    try:
        return marshal.loads(code) != compile(data, source, "exec", dont_inherit=True, optimize=level(pyc))
    except Exception:  # neither has any code, or one of them
        return True


def main():
    """Compare what standard input names."""
    sys.setrecursionlimit(10000)
    paths = [os.fsdecode(path) for path in sys.stdin.buffer.read().split(b"\0")[:-1]]
    for number in range(0, len(paths), 2):
        print(int(is_other(*paths[number : number + 2])), flush=True)


if __name__ == "__main__":
    main()
