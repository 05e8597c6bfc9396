"""bundler: pack a Python environment, its interpreter and every shared library into one tree that runs anywhere.

The public API: `pack`, `verify`, `inspect`, `read_contents`, `sizes`, `why`, `diff`, `fix`, their options and results. What is
heavy is loaded when first asked for.
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
    SbomFormat,
    Secret,
    Symlinks,
)
from bundler.pack import pack
from bundler.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from bundler.audit import AuditReport, verify
    from bundler.comparison import diff
    from bundler.contents import Contents, read_contents
    from bundler.contents.differences import Difference
    from bundler.contents.sizes import sizes
    from bundler.contents.why import why
    from bundler.fixing import FixReport, fix
    from bundler.inspection import inspect
    from bundler.materials import bill_of_materials, collect_licences
    from bundler.report import PackReport

__all__ = [
    "AuditDepth",
    "AuditReport",
    "BadOption",
    "BundlerError",
    "ContentOptions",
    "Contents",
    "Difference",
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
    "SbomFormat",
    "Secret",
    "Symlinks",
    "__version__",
    "bill_of_materials",
    "collect_licences",
    "diff",
    "fix",
    "inspect",
    "pack",
    "read_contents",
    "sizes",
    "verify",
    "why",
]

_HOMES = {
    "AuditReport": "bundler.audit",
    "Contents": "bundler.contents",
    "Difference": "bundler.contents.differences",
    "FixReport": "bundler.fixing",
    "PackReport": "bundler.report",
    "bill_of_materials": "bundler.materials",
    "collect_licences": "bundler.materials",
    "diff": "bundler.comparison",
    "fix": "bundler.fixing",
    "inspect": "bundler.inspection",
    "read_contents": "bundler.contents",
    "sizes": "bundler.contents.sizes",
    "verify": "bundler.audit",
    "why": "bundler.contents.why",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bundler' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
