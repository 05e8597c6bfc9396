"""The page as a file: all of it or none, in no bundle, and never in the place of what its user did not give up."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from bundler.bundle_paths import lies_in
from bundler.contents import read_contents
from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.page.rendering import render
from bundler.sinks.archives.output import FileOutput
from bundler.sinks.claim import Claim
from bundler.sinks.placement import Target

if TYPE_CHECKING:
    from typing_extensions import Self


_NOT_MADE = "no page was made of a bundle that has faults: bundler inspect --html makes one"


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

    def __init__(self, target: Target, name: str = "") -> None:
        """`name` is what its bundle will be called; "" for what it is called."""
        self.path: str | None = None
        """Where it is; None as long as it is not in place."""
        self._name = name
        self._target = target
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises OutputExists, also where somebody else makes a page there now, and OutputFailed."""
        with ExitStack() as entered:
            entered.enter_context(Claim(self._target.path))
            self._target.check_file()
            self._output = FileOutput(self._target, self._target.make_temporary())
            entered.callback(self._output.discard)
            self._open = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever packed should know where the bundle is in place and the page is not."""
        return () if self.path is not None else (_NOT_MADE,)

    def make(self, bundle: str) -> None:
        """Make the page of the bundle at the path `bundle`. Raises OutputFailed, and the errors of reading a bundle."""
        contents = read_contents(bundle)
        page = render(replace(contents, name=self._name or contents.name))
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
