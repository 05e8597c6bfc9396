"""Run by a Python under audit (CPython 3.8 or later): which shared libraries its process has. It stands by itself."""

import os


def mapped_libraries():
    """Paths of the shared libraries that the process has; None where the kernel does not tell (/proc is not mounted)."""
    found = set()
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                fields = line.rstrip("\n").split(None, 5)
                path = fields[5].replace("\\012", "\n") if len(fields) > 5 else ""  # as the kernel writes a line end
                if path.startswith("/") and ".so" in os.path.basename(path):
                    found.add(path)
    except OSError:
        return None
    return found
