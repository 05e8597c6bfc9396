"""Run by the environment's own interpreter (CPython 3.8 or later): print its facts as one JSON object.

Started with `-I -S -B`, so that neither `.pth` files nor site customisation run, and `sysconfig` speaks of the base.
"""

import importlib.machinery
import json
import site
import sys
import sysconfig

CONFIG_VARS = (
    "BINDIR",
    "EXT_SUFFIX",
    "INSTSONAME",
    "LDLIBRARY",
    "LDVERSION",
    "LIBDIR",
    "LIBPC",
    "LIBPL",
    "MULTIARCH",
    "PYTHONFRAMEWORK",
    "PYTHON_BUILD_STANDALONE",
    "Py_DEBUG",
    "Py_ENABLE_SHARED",
    "Py_GIL_DISABLED",
    "WHEEL_PKG_DIR",
)


def optional_call(name):
    """The result of a function of sysconfig that some versions lack, or None."""
    function = getattr(sysconfig, name, None)
    return function() if function else None


def main():
    """Print the facts. From 3.14 on a venv's prefix is in force even with `-S`; the paths asked for are the base's."""
    base, platbase = sys.base_prefix, sys.base_exec_prefix
    places = {"base": base, "platbase": platbase, "installed_base": base, "installed_platbase": platbase}
    facts = {
        "implementation": sys.implementation.name,
        "version_info": list(sys.version_info),
        "version": sys.version,
        "executable": sys.executable,
        "base_executable": getattr(sys, "_base_executable", None) or sys.executable,
        "base_prefix": sys.base_prefix,
        "base_exec_prefix": sys.base_exec_prefix,
        "platlibdir": getattr(sys, "platlibdir", "lib"),
        "abiflags": getattr(sys, "abiflags", ""),
        "cache_tag": sys.implementation.cache_tag,
        "stdlib": sysconfig.get_path("stdlib", vars=places),
        "platstdlib": sysconfig.get_path("platstdlib", vars=places),
        "include": sysconfig.get_path("include", vars=places),
        "platinclude": sysconfig.get_path("platinclude", vars=places),
        "config_h": sysconfig.get_config_h_filename(),
        "makefile": sysconfig.get_makefile_filename(),
        "dist_packages": any("dist-packages" in path for path in site.getsitepackages()),
        "sysconfigdata": optional_call("_get_sysconfigdata_name"),
        "extension_suffixes": importlib.machinery.EXTENSION_SUFFIXES,
        "platform": sysconfig.get_platform(),
        "variables": {name: sysconfig.get_config_var(name) for name in CONFIG_VARS},
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
