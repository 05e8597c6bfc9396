"""Run by a Python under audit (CPython 3.8 or later): which shared libraries its process has. It stands by itself."""

import os


def mapped_libraries():
    """Paths of the images that dyld has loaded but for the system's own; None where it cannot be asked."""
    try:
        import ctypes

        dyld = ctypes.CDLL(None)
        dyld._dyld_get_image_name.restype = ctypes.c_char_p
        names = [dyld._dyld_get_image_name(number) for number in range(dyld._dyld_image_count())]
    except (ImportError, OSError, AttributeError):
        return None
    paths = (os.fsdecode(name) for name in names if name)
    return {path for path in paths if not path.startswith(("/usr/lib/", "/System/"))}
