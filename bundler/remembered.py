"""The options that a bundle remembers of the pack that made it: an update begins with them."""

from __future__ import annotations

import os

from bundler.errors import BundlerError
from bundler.manifest import RecordedOptions, read_options

_MANIFEST = "bundle.json"


def remembered_options(bundle: str) -> RecordedOptions | None:
    """Those in the `bundle.json` of the directory `bundle`; None where there is none that tells.

    What is wrong with the bundle is for the update to say.
    """
    try:
        with open(os.path.join(bundle, _MANIFEST), "rb") as file:
            return read_options(file.read())
    except (OSError, BundlerError):
        return None
