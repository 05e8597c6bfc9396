"""Ways to look at a bundle: a directory, or an archive of any format, read once from its beginning to its end.

Nothing here follows a link, and nothing is written but where `extracted` is asked for.
"""

from bundler.trees.extraction import extracted
from bundler.trees.opening import open_archive, open_tree
from bundler.trees.tree import MANIFEST, Kind, Member, Tree

__all__ = ["MANIFEST", "Kind", "Member", "Tree", "extracted", "open_archive", "open_tree"]
