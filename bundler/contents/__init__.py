"""What a finished bundle holds, as values: who owns each file, how large it is, who needs what, and under which licence."""

from bundler.contents.model import Binary, Contents, Distribution, FileKind, Item, Need, Place
from bundler.contents.reading import contents_of, read_contents

__all__ = [
    "Binary",
    "Contents",
    "Distribution",
    "FileKind",
    "Item",
    "Need",
    "Place",
    "contents_of",
    "read_contents",
]
