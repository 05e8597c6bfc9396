"""Run by the Python under audit (CPython 3.8 or later, `-B`): import modules, and tell what was loaded from where.

Reads one JSON object from standard input: `modules`, a list of names, and `root`, the folder that everything must lie in. Writes
one JSON list a line: `["start", name]`, then `["ok", name]` or `["fail", name, error]`; at the end `["outside", path]` and
`["bundled", path]` lines, and `["end", ""]`.
Imports may print, and may end the process: the reader goes on behind the module that was started last.
"""

import importlib
import json
import os
import sys


def outside(root):
    """Paths that the process uses and that lie outside of `root`: of sys.path, of modules, of mapped files."""
    inside = (root + os.sep, os.path.realpath(root) + os.sep)
    found = set()
    for path in sys.path:
        if path and not (path + os.sep).startswith(inside):
            found.add(path)
    main_module = sys.modules["__main__"]  # this script; `multiprocessing` lists it once more, as `__mp_main__`
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        # Modules that are made by hand may say anything: torch's `_ops.py` is no file.
        if module is main_module or not isinstance(file, str) or not os.path.isabs(file):
            continue
        if not os.path.normpath(file).startswith(inside):
            found.add(file)
    found.update(path for path in mapped_libraries() if not path.startswith(inside))
    return sorted(found)


def mapped_libraries():
    """Paths of the shared libraries that the process has."""
    found = set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(None, 5)
            path = fields[5].replace("\\012", "\n") if len(fields) > 5 else ""  # as the kernel writes a line end
            if path.startswith("/") and ".so" in os.path.basename(path):
                found.add(path)
    return found


def main():
    """Import what standard input names."""
    order = json.loads(sys.stdin.read())
    results = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]

    def tell(*fields):
        results.write(json.dumps(fields) + "\n")
        results.flush()

    for name in order["modules"]:
        tell("start", name)
        try:
            importlib.import_module(name)
        except BaseException as error:
            tell("fail", name, "{}: {}".format(type(error).__name__, error)[:500])
        else:
            tell("ok", name)
    for path in outside(order["root"]):
        tell("outside", path)
    bundled = os.path.join(os.path.realpath(order["root"]), "lib", "bundled", "")
    for path in mapped_libraries():
        if path.startswith(bundled):
            tell("bundled", path)
    tell("end", "")
    os._exit(0)


if __name__ == "__main__":
    main()
