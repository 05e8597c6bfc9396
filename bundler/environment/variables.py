"""The configuration variables that are asked of a Python, whether it answers itself (the probe) or its files do."""

from __future__ import annotations

CONFIGURATION_VARIABLES = (
    "BINDIR",  # the prefix that it was built for
    "EXT_SUFFIX",  # how its extension modules end
    "INSTSONAME",  # libpython, by the name that the loader asks for
    "LDLIBRARY",  # libpython, by the name that the linker asks for
    "LDVERSION",  # the version with the ABI's flags, as in the executable's whole name
    "LIBDIR",  # where libpython was installed
    "LIBPC",  # where its pkg-config files were installed
    "MULTIARCH",  # Debian: the name of the folder for this machine
    "PYTHONFRAMEWORK",  # macOS: the name of a framework build
    "PYTHON_BUILD_STANDALONE",
    "Py_GIL_DISABLED",  # a free-threaded build
    "WHEEL_PKG_DIR",  # where a distribution keeps the wheels for ensurepip
)
