"""The layout of a plain installation under POSIX, which Linux and macOS share."""

from __future__ import annotations

import os

from bundler.scheme import BundleScheme
from bundler.systems.system import PythonNames


def posix_scheme(python: PythonNames) -> BundleScheme:
    """The scheme of a bundle with `bin`, `lib` and `include`; a framework's library lies at the top."""
    name = python.python_name
    stdlib = f"{python.platlibdir}/{name}"
    framework = (python.framework,) if python.framework else ()
    return BundleScheme(
        executable=f"bin/{name}",
        stdlib=stdlib,
        dynload=f"{stdlib}/lib-dynload",
        stdlib_zip=f"{python.platlibdir}/{name.replace('.', '')}.zip",
        site_packages=f"lib/{name}/site-packages",
        system_site=f"lib/{name}/system-site",
        include=f"include/{os.path.basename(python.include)}",
        scripts="bin",
        libraries="lib",
        bundled="lib/bundled",
        share="share",
        libpython=(*framework, *(f"lib/{library}" for library in python.library_names)),
    )
