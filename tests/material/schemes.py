"""Layouts of made-up bundles."""

from __future__ import annotations

from bundler.scheme import BundleScheme

POSIX_312 = BundleScheme(
    executable="bin/python3.12",
    stdlib="lib/python3.12",
    dynload="lib/python3.12/lib-dynload",
    stdlib_zip="lib/python312.zip",
    site_packages="lib/python3.12/site-packages",
    system_site="lib/python3.12/system-site",
    include="include/python3.12",
    scripts="bin",
    libraries="lib",
    bundled="lib/bundled",
    share="share",
    libpython=("lib/libpython3.12.so.1.0", "lib/libpython3.12.so", "lib/libpython3.so"),
)
"""A plain CPython 3.12 under POSIX."""

WINDOWS_312 = BundleScheme(
    executable="python.exe",
    stdlib="Lib",
    dynload="DLLs",
    stdlib_zip="python312.zip",
    site_packages="Lib/site-packages",
    system_site="Lib/system-site",
    include="include",
    scripts="Scripts",
    libraries="",
    bundled="",
    share="share",
    libpython=("python312.dll",),
)
"""python.org's CPython 3.12 under Windows."""
