"""bundler: pack a Python environment, its interpreter and every shared library into one tree that runs anywhere.

The public API: `pack`, `verify`, `inspect`, `fix`, their options and results. What is heavy is loaded when first asked for.
docs/api.md has examples.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bundler.errors import BadOption, BundlerError
from bundler.options import (
    AuditDepth,
    ContentOptions,
    EditableMode,
    ImageOptions,
    Launcher,
    LeakMode,
    LibcMode,
    LinkMode,
    PackOptions,
    Profile,
    Pyc,
    Secret,
    Symlinks,
)
from bundler.pack import pack
from bundler.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from bundler.audit import AuditReport, verify
    from bundler.fixing import FixReport, fix
    from bundler.inspection import inspect
    from bundler.report import PackReport

__all__ = [
    "AuditDepth",
    "AuditReport",
    "BadOption",
    "BundlerError",
    "ContentOptions",
    "EditableMode",
    "FixReport",
    "ImageOptions",
    "Launcher",
    "LeakMode",
    "LinkMode",
    "PackOptions",
    "PackReport",
    "LibcMode",
    "Profile",
    "Pyc",
    "Secret",
    "Symlinks",
    "__version__",
    "fix",
    "inspect",
    "pack",
    "verify",
]

_HOMES = {
    "AuditReport": "bundler.audit",
    "FixReport": "bundler.fixing",
    "PackReport": "bundler.report",
    "fix": "bundler.fixing",
    "inspect": "bundler.inspection",
    "verify": "bundler.audit",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bundler' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
