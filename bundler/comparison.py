"""What differs between two bundles, as the public API has it."""

from __future__ import annotations

from bundler.contents import read_contents
from bundler.contents.differences import Difference, differences
from bundler.keywords import StrPath
from bundler.option_kinds import path_of


def diff(old: StrPath, new: StrPath) -> Difference:
    """What differs between two bundles, each a directory or an archive of any format: distributions, libraries, files, needs.

    Both are read whole, and nothing of them is run. Raises NotABundle, UnsupportedBundle, DamagedBundle; BadOption for a wrong
    argument.
    """
    old, new = path_of("old", old), path_of("new", new)
    return differences(read_contents(old, whole=True), read_contents(new, whole=True))
