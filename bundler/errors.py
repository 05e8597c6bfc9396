"""What can go wrong: one class a cause, each with its exit status and a hint on what to do.

The status is 2 where the words are wrong whatever lies on the disk, and 1 where what they ask for cannot be done.

A message names the file; a hint says what to do about it. `Problems` holds several errors that were
found while planning, so that the user sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class BundlerError(Exception):
    """The base of every error that bundler raises on purpose."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: made again without its arguments, which differ from class to class."""
        return _made_again, (type(self), self.args, self.__dict__)

    def at(self, path: str) -> Self:
        """An error like this one, of the same class and cause, with the file that it is about in front of its message."""
        message = f"{path}: {self.message}"
        error = self.__class__.__new__(self.__class__, message)
        error.__dict__.update(self.__dict__, message=message)
        error.__cause__, error.__context__ = self.__cause__, self.__context__
        error.__suppress_context__ = self.__suppress_context__
        return error.with_traceback(self.__traceback__)


def _made_again(kind: type[BundlerError], args: tuple[object, ...], facts: dict[str, object]) -> BundlerError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class NotAnEnvironment(BundlerError):
    """The folder is neither a virtual environment nor an installation."""


class BaseInterpreterMissing(BundlerError):
    """The environment's `bin/python` leads to a Python that is not there."""


class InterpreterFailed(BundlerError):
    """The environment's interpreter did not answer the probe."""


class UnsupportedEnvironment(BundlerError):
    """An environment of a kind that bundler does not pack (yet)."""


class ContradictoryEnvironment(BundlerError):
    """What an environment says of its Python excludes what is found, or something else that it says."""


class UnsupportedEditable(BundlerError):
    """An editable install that cannot be made real from its `.pth` file."""


class BadConfiguration(BundlerError):
    """`[tool.bundler]` cannot be read, or says something that is no option."""

    exit_status = 2


class BadOption(BundlerError):
    """An option that there is none of, or a value that an option does not take; the message lists those that it takes."""

    exit_status = 2


class UnknownVariant(BundlerError):
    """A file that must be rewritten does not look like any version that bundler knows."""


class BinaryFormatError(BundlerError):
    """A binary is truncated or contradicts itself."""


class CannotPatch(BundlerError):
    """A well-formed binary has no room, or a shape, for the edits that it needs."""


class NoHeaderRoom(CannotPatch):
    """Load commands of Mach-O, or PE's table of sections, would grow over what follows: `needed` and `available` are in bytes."""

    def __init__(self, message: str, hint: str, needed: int, available: int) -> None:
        super().__init__(message, hint)
        self.needed = needed
        self.available = available


class NotDynamic(CannotPatch):
    """A static program, or an object without a dynamic section: it has no search path and needs no library."""


class Prelinked(CannotPatch):
    """A file that prelink has given fixed addresses, for which there would have to be more room."""


class PayloadInTheWay(CannotPatch):
    """Bytes follow the binary's own, and would have to move for it to grow."""


class UnwritableString(CannotPatch):
    """A string that cannot be written where it shall stand: a NUL, a colon, nothing at all, or too long."""


class ConflictingEdits(CannotPatch):
    """Edits of one file that contradict each other, or that would do something else when done twice."""


class MissingFact(BundlerError):
    """What shall be printed of a file is not in it, and its absence says something: a library names no interpreter."""


class WrongWords(BundlerError):
    """Words of a command line that another program would take, and that `bundler-patchelf` does not."""


class OutputExists(BundlerError):
    """Something stands at the output path."""


class LeaksFound(BundlerError):
    """The bundle would give credentials away, or what else is refused."""


class OutputFailed(BundlerError):
    """The output could not be written or put in place."""


class NoRoom(OutputFailed):
    """The disk has too little room for the output, or is full: `needed` and `free` are in bytes."""

    def __init__(self, message: str, hint: str, needed: int, free: int) -> None:
        super().__init__(message, hint)
        self.needed = needed
        self.free = free


class UnfittingOption(OutputFailed, BadOption):
    """A format that there is none of, or an option that does not fit the format of the output."""

    exit_status = 2


class ExtraMissing(BundlerError):
    """What is asked for needs a package that is not installed with bundler unless an extra asks for it."""


class BadKey(BundlerError):
    """A key that cannot be read or opened, or is of no kind that bundler signs and verifies with."""


class SignatureUnreadable(BundlerError):
    """A file that is named as a signature, and that is not there or cannot be read."""


class NotABundle(BundlerError):
    """A path given as a bundle is none."""


class DamagedBundle(NotABundle):
    """An archive of a known format that cannot be read to its end, or whose own checksums disagree with what it holds."""


class UnsupportedBundle(BundlerError):
    """A bundle, but one that this version cannot read."""


class UnknownName(BundlerError):
    """A name that nothing in a bundle has."""


class Problems(BundlerError):
    """Several errors at once: `errors` in the order in which they were found."""

    def __init__(self, errors: Sequence[BundlerError]) -> None:
        self.errors = tuple(errors)
        lines = [f"{len(self.errors)} problems:"]
        for error in self.errors:
            lines.append(f"  {error.message}")
            if error.hint:
                lines.append(f"    {error.hint}")
        super().__init__("\n".join(lines))


class BadOptions(Problems, BadOption):
    """Several wrong options at once."""


def raise_all(errors: Sequence[BundlerError]) -> None:
    """Raise nothing for none, the error itself for one, `Problems` for more; `BadOptions` where each is a BadOption."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise (BadOptions if all(isinstance(error, BadOption) for error in errors) else Problems)(errors)
