"""What a finished bundle holds, as values: who owns each file, how large it is, who needs what, and under which licence."""

from bundler.contents.model import Binary, Contents, FileKind, Item, Need, Place

__all__ = ["Binary", "Contents", "FileKind", "Item", "Need", "Place"]
