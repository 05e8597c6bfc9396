"""Run by the environment's own interpreter (CPython 3.8 or later): print its facts as one JSON object.

Arguments: the names of the configuration variables that are asked for. It is started with `-I -S -B`, so that neither `.pth` files
nor site customisation run, and `sysconfig` speaks of the base.
"""

import importlib.machinery
import json
import site
import sys
import sysconfig


def main():
    """Print the facts. From 3.14 on a venv's prefix is in force even with `-S`; the paths asked for are the base's."""
    base, platbase = sys.base_prefix, sys.base_exec_prefix
    places = {"base": base, "platbase": platbase, "installed_base": base, "installed_platbase": platbase}
    facts = {
        "implementation": sys.implementation.name,
        "version_info": list(sys.version_info),
        "base_executable": getattr(sys, "_base_executable", None) or sys.executable,
        "base_prefix": sys.base_prefix,
        "platlibdir": getattr(sys, "platlibdir", "lib"),
        "abiflags": getattr(sys, "abiflags", ""),
        "cache_tag": sys.implementation.cache_tag,
        "stdlib": sysconfig.get_path("stdlib", vars=places),
        "platstdlib": sysconfig.get_path("platstdlib", vars=places),
        "include": sysconfig.get_path("include", vars=places),
        "dist_packages": any("dist-packages" in path for path in site.getsitepackages()),
        "extension_suffixes": importlib.machinery.EXTENSION_SUFFIXES,
        "variables": {name: sysconfig.get_config_var(name) for name in sys.argv[1:]},
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
