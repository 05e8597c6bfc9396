"""The page as a file: all of it or none, in no bundle, and never in the place of what its user did not give up."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from bundler.bundle_paths import lies_in
from bundler.contents import read_contents
from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.page.rendering import render
from bundler.sinks.archives.output import FileOutput
from bundler.sinks.placement import Target

if TYPE_CHECKING:
    from typing_extensions import Self


def page_target(path: str, *, force: bool, trees: tuple[str, ...]) -> Target:
    """The place of a page: in none of the `trees` that are packed or made. What is there is replaced with `force`.

    Raises OutputExists, OutputFailed.
    """
    target = Target(path, force=force)
    for tree in trees:
        if lies_in(os.path.realpath(path), os.path.realpath(tree)):
            raise OutputFailed(f"the page {path} would lie in {tree}", "choose another place for it")
    target.check_no_directory()
    target.check_standing()
    return target


class PageFile:
    """A page to be: made beside its place under a hidden name, then put there, or discarded. A context manager."""

    def __init__(self, target: Target) -> None:
        """Raises OutputExists, OutputFailed."""
        target.check_file()
        self.path: str | None = None
        """Where it is; None as long as it is not in place."""
        self._target = target
        self._output = FileOutput(target, target.make_temporary())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.discard()

    def make(self, bundle: str, name: str) -> None:
        """Make the page of the bundle at the path `bundle`, under the name that it has, or will have.

        Raises OutputFailed, and the errors of reading a bundle.
        """
        page = render(replace(read_contents(bundle), name=name))
        try:
            self._output.open().write(page)
            self._output.finish()
        except OSError as error:
            raise OutputFailed(f"{self._target.path} cannot be written: {error.strerror}") from error

    def place(self) -> None:
        """Put the page in place. Raises OutputExists for what came there meanwhile, OutputFailed."""
        try:
            self.path = self._output.place()
        except OSError as error:
            raise OutputFailed(f"{self._target.path} cannot be put in place: {error.strerror}") from error
