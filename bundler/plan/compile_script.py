"""Run by the environment's own interpreter (CPython 3.8 or later, `-S -B`): compile modules to unchecked-hash pycs.

Reads a JSON list of jobs `[source, name, target]` from standard input: compile the file `source` as if it were called `name`, and
write the pyc to `target`. Writes one line a job, in order: the size of the pyc, or -1 where the source does not compile.

The bytes of a pyc tell which of its constants something else in the process refers to, too (marshal's FLAG_REF): what was compiled
before, or waits for the garbage collector. Therefore all of them are referred to while it is written, and each has the flag. Up to
3.10 they also tell the order of sets, and so PYTHONHASHSEED: whoever starts this sets it, without `-I` and `-E`, which ignore it.
So this folder is on `sys.path`, and has no module by a name of the standard library's.

A source can end the compiler by a signal (its stack overflows). So the work is done in a child, and another one goes on behind
that source; where nothing forks (Windows), here.
"""

import importlib.util
import json
import marshal
import os
import sys
from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]
from types import CodeType

_FAILED = b"-1\n"
_CHARACTERS = [
    sys.intern(chr(number)) for number in range(256)
]  # there is one of each, and whether it is interned is told, too
_WITHOUT_FLAGS = 2  # the version of marshal before FLAG_REF (Python/marshal.c)


def held_by(code):
    """All that a code object holds, at any depth, but for other code."""
    held, left = [], [code]
    while left:
        value = left.pop()
        if isinstance(value, CodeType):
            left += (value.co_consts, value.co_names, value.co_varnames, value.co_cellvars, value.co_freevars)
            left += (value.co_name, value.co_filename, getattr(value, "co_qualname", ""))
            continue
        held.append(value)
        if isinstance(value, (tuple, frozenset)):
            left.extend(value)
    return held


def with_one_of_equal_sets(value, known):
    """A constant in which equal sets are one object: whether the compiler sees to that depends on what it did before."""
    if isinstance(value, CodeType):
        return value.replace(co_consts=tuple(with_one_of_equal_sets(each, known) for each in value.co_consts))
    if isinstance(value, frozenset):
        return known.setdefault(marshal.dumps(value, _WITHOUT_FLAGS), value)
    return value


def compile_module(source, name, target):
    """Write one pyc; its size."""
    with open(source, "rb") as file:
        data = file.read()
    code = compile(data, name, "exec", dont_inherit=True, optimize=0)
    sets = [marshal.dumps(value, _WITHOUT_FLAGS) for value in held_by(code) if isinstance(value, frozenset)]
    if len(set(sets)) < len(sets):
        code = with_one_of_equal_sets(code, {})
    held = held_by(code)
    pyc = _code_to_hash_pyc(code, importlib.util.source_hash(data), False)
    del held
    with open(target, "wb") as file:
        return file.write(pyc)


def compile_all(jobs, tell):
    """Compile modules, and tell a line for each."""
    for source, name, target in jobs:
        try:
            line = b"%d\n" % compile_module(source, name, target)
        except OSError as error:
            os.write(2, "{}: {}\n".format(target, error).encode("utf-8", "backslashreplace"))
            os._exit(1)
        except Exception:
            line = _FAILED
        tell(line)


def compile_in_a_child(jobs):
    """Compile modules in a child, up to one that ends it by a signal; the lines of those before."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        compile_all(jobs, lambda line: os.write(writer, line))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as told:
        lines = told.readlines()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit(os.WEXITSTATUS(status))
    return lines


def main():
    """Compile what standard input names."""
    sys.setrecursionlimit(10000)
    jobs = json.loads(sys.stdin.read())
    if not hasattr(os, "fork"):
        compile_all(jobs, lambda line: os.write(1, line))
        return
    done = 0
    while done < len(jobs):
        lines = compile_in_a_child(jobs[done:])
        if done + len(lines) < len(jobs):
            lines.append(_FAILED)
        os.write(1, b"".join(lines))
        done += len(lines)


if __name__ == "__main__":
    main()
