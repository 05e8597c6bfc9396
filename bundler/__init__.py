"""bundler: pack a Python environment, its interpreter and every shared library into one tree that runs anywhere.

The public API: `pack`, `verify` and `inspect`, their options and results.
"""

from bundler.audit import AuditReport, verify
from bundler.errors import BundlerError
from bundler.inspection import inspect
from bundler.pack import PackOptions, pack
from bundler.report import PackReport
from bundler.sinks.copying import LinkMode
from bundler.version import VERSION as __version__

__all__ = [
    "AuditReport",
    "BundlerError",
    "LinkMode",
    "PackOptions",
    "PackReport",
    "__version__",
    "inspect",
    "pack",
    "verify",
]
