"""Run by the environment's own interpreter (CPython 3.8 or later, `-I -S -B`): compile modules to unchecked-hash pycs.

Reads a JSON list of jobs `[source, name, target]` from standard input: compile the file `source` as if it were called `name`, and
write the pyc to `target`. Writes one line a job, in order: the size of the pyc, or -1 where the source does not compile.

The bytes of a pyc tell which of its strings the process knew before (marshal's FLAG_REF). So each module is compiled in a child
of its own, forked from a process that is the same for all. Where nothing forks (Windows) it is written without such flags, which
every version of marshal reads: a little longer, and the same for whoever writes it.
"""

import importlib.util
import json
import marshal
import os
import sys
from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]

_HEADER = 16  # magic, flags, hash (PEP 552)
_WITHOUT_FLAGS = 2  # the version before FLAG_REF (Python/marshal.c)


def compile_module(source, name, target):
    """Write one pyc; its size."""
    with open(source, "rb") as file:
        data = file.read()
    code = compile(data, name, "exec", dont_inherit=True, optimize=0)
    pyc = _code_to_hash_pyc(code, importlib.util.source_hash(data), False)
    if not hasattr(os, "fork"):
        pyc[_HEADER:] = marshal.dumps(code, _WITHOUT_FLAGS)
    with open(target, "wb") as file:
        return file.write(pyc)


def compile_here(jobs):
    """Compile in this process."""
    for source, name, target in jobs:
        try:
            size = compile_module(source, name, target)
        except OSError as error:
            sys.exit("{}: {}".format(target, error))
        except Exception:  # from 3.14 on it may have constants that need a later version
            size = -1
        os.write(1, str(size).encode() + b"\n")


def compile_in_children(jobs):
    """Compile each module in a child."""
    for source, name, target in jobs:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            size = -1
            try:
                size = compile_module(source, name, target)
            except OSError as error:
                os.write(2, "{}: {}\n".format(target, error).encode("utf-8", "backslashreplace"))
                os._exit(1)
            except BaseException:
                pass
            os.write(writer, str(size).encode())
            os._exit(0)
        os.close(writer)
        size = os.read(reader, 20) or b"-1"
        os.close(reader)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1:
            sys.exit(1)
        os.write(1, size + b"\n")


def main():
    """Compile what standard input names."""
    sys.setrecursionlimit(10000)
    compile_all = compile_in_children if hasattr(os, "fork") else compile_here
    compile_all(json.loads(sys.stdin.read()))


if __name__ == "__main__":
    main()
