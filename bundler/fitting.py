"""Options that say nothing to the format of a pack: on the command line they are a mistake, and none is passed over.

A permission that is not needed (`--force`, `--keep-modes`) is no such option.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from bundler.errors import UnfittingOption
from bundler.formats import ARCHIVES, DIRECTORY, ArchiveFormat
from bundler.options import PackOptions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Options = TypeVar("_Options", bound="DataclassInstance")
IMAGE = "image_"
"""What the names of an image's options begin with."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which formats an option is for."""

    name: str
    """The field of PackOptions, or `image_` and the field of ImageOptions."""
    option: str
    """As the command line has it."""
    meant_for: str
    """The formats in words, for an error."""
    fits: Callable[[ArchiveFormat | None], bool]
    """Whether it is for a format; None is a directory."""

    def is_given(self, options: PackOptions) -> bool:
        """Whether it has another value than the one that says nothing."""
        return _value(options, self.name) != _value(_NOTHING, self.name)

    def taken_out(self, options: PackOptions) -> PackOptions:
        """The options without it."""
        nothing = _value(_NOTHING, self.name)
        if self.name.startswith(IMAGE):
            return replace(options, image=_with(options.image, self.name.removeprefix(IMAGE), nothing))
        return _with(options, self.name, nothing)


_NOTHING = PackOptions()


def _is_directory(form: ArchiveFormat | None) -> bool:
    return form is None


def _has_parts(form: ArchiveFormat | None) -> bool:
    return form is None or form.has_frames


def _has_frames(form: ArchiveFormat | None) -> bool:
    return form is not None and form.has_frames


def _is_image(form: ArchiveFormat | None) -> bool:
    return form is not None and form.is_image


def _is_compressed(form: ArchiveFormat | None) -> bool:
    return form is not None and form.has_levels


def _has_top(form: ArchiveFormat | None) -> bool:
    return form is not None and form.has_top


_FRAMED = f"archives whose parts can be taken over ({', '.join(form.name for form in ARCHIVES if form.has_frames)})"
_FOR_IMAGES = "images (.oci.tar)"
_RULES = (
    _Rule("link", "--link", "directories", _is_directory),
    _Rule("update", "--update", f"directories and {_FRAMED}", _has_parts),
    _Rule("reuse", "--reuse", _FRAMED, _has_frames),
    _Rule("level", "--level", "compressed archives", _is_compressed),
    _Rule("top", "--top", "archives with a folder of their own", _has_top),
    _Rule("image_base", "--base", _FOR_IMAGES, _is_image),
    _Rule("image_name", "--image-name", _FOR_IMAGES, _is_image),
    _Rule("image_user", "--image-user", _FOR_IMAGES, _is_image),
    _Rule("image_variables", "--image-env", _FOR_IMAGES, _is_image),
    _Rule("image_labels", "--image-label", _FOR_IMAGES, _is_image),
)


def check_options(options: PackOptions, form: ArchiveFormat | None) -> None:
    """Raise UnfittingOption for what says nothing to a format, all of it together; None is a directory."""
    name = DIRECTORY if form is None else form.name
    wrong = [f"{rule.option} is for {rule.meant_for}, not for the format {name}" for rule in _unfitting(options, form)]
    if wrong:
        raise UnfittingOption(
            "; ".join(wrong), "leave it out, or choose another format: the suffix of --out, or --format"
        )


def without_unfitting(options: PackOptions, form: ArchiveFormat | None, names: Collection[str]) -> PackOptions:
    """The options without those of `names` that say nothing to a format: what a configuration says for another one."""
    for rule in _unfitting(options, form):
        if rule.name in names:
            options = rule.taken_out(options)
    return options


def _unfitting(options: PackOptions, form: ArchiveFormat | None) -> Iterator[_Rule]:
    return (rule for rule in _RULES if rule.is_given(options) and not rule.fits(form))


def _with(options: _Options, name: str, value: object) -> _Options:
    return replace(options, **{name: value})


def _value(options: PackOptions, name: str) -> object:
    return getattr(options.image, name.removeprefix(IMAGE)) if name.startswith(IMAGE) else getattr(options, name)
