"""The words of every tree: what a path is, what a member tells, and how a tree is looked through."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol, TypeVar

Result = TypeVar("Result")
MANIFEST = "bundle.json"


class Kind(enum.Enum):
    """What a path of a tree is."""

    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    OTHER = "pipe, socket or device"


@dataclass(frozen=True, slots=True)
class Member:
    """One path of a tree, relative to its root. `mode` holds permission and set-id bits; `target` is that of a link."""

    path: str
    kind: Kind
    mode: int
    target: str = ""
    owner: int | None = None
    """The number of the user whose it is; None where the tree does not say."""


Item = tuple[Member, "IO[bytes] | None"]
"""A member and, for a file, its bytes: good for one reading from the start, until the next item is asked for."""
Items = Generator[Item, None, None]
Members = Callable[[str], Items]
"""What reads a format of archives: the items in the file at a path. It raises anything where that is damaged."""


Recall = Callable[["Member", int], "Result | None"]
"""Gives what a look at a file of a size (bytes) would give, or None."""


def recall_nothing(_member: Member, _size: int) -> None:
    """For who looks at everything."""


class Tree(Protocol):
    """A bundle as it lies somewhere. With `random_access` its files can be read anywhere and twice."""

    random_access: bool

    def scan(
        self, look: Callable[[Member, BinaryIO | None], Result], recall: Recall[Result] = recall_nothing
    ) -> list[tuple[Member, Result]]:
        """Call `look` for every path but the root, with an open file for files, and give the paths with what it gave.

        A file whose size is known beforehand is not opened where `recall` gives something for it: that stands for a look.

        A folder on top of an archive is not known before its end: `look` sees it in the paths, who reads the result does not.
        The file is good for one reading from its start (see `random_access`), and until `look` returns. Several calls may be
        under way at once. What `look` raises comes through as it is. Raises NotABundle where the tree cannot be read to its end.
        """
