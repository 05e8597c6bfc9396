"""Which tree lies at a path: a directory, or an archive told by its first bytes."""

from __future__ import annotations

from bundler.errors import NotABundle
from bundler.formats import ARCHIVES, HEAD_SIZE, archive_of_content
from bundler.machine import os
from bundler.trees.tree import Tree


def open_tree(path: str) -> Tree:
    """The tree at a path. Raises NotABundle for what is neither a directory nor an archive."""
    if os.path.isdir(path):
        from bundler.trees.directory import DirectoryTree

        return DirectoryTree(path)
    if not os.path.isfile(path):
        raise NotABundle(f"{path} does not exist" if not os.path.lexists(path) else f"{path} is no directory or file")
    return open_archive(path)


def open_archive(path: str) -> Tree:
    """The tree in an archive. Raises NotABundle for a file of another format."""
    from bundler.trees.archive import ArchiveTree

    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        raise NotABundle(f"{path} cannot be read: {error.strerror}") from error
    form = archive_of_content(head)
    if form is None:
        known = ", ".join(form.name for form in ARCHIVES)
        raise NotABundle(f"{path} is no archive that bundler knows", f"bundles are directories, or one of {known}")
    return ArchiveTree(path, form.find_reader())
