"""The options of `pack` by their names: one table for the command line, `[tool.bundler]` and the keywords of the Python API.

The table follows from the fields of the options values (`options`). Here stand the few names that differ from a field's.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from bundler.errors import BadOption, BundlerError, raise_all
from bundler.formats import FORMAT_NAMES
from bundler.option_kinds import Kind, Value, values_of
from bundler.options import ContentOptions, ImageOptions, PackOptions

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")

IMAGE = "image_"
"""What stands before the parameters of an image's options."""
_NAMES = {
    "exclude_libs": "exclude-lib",
    "include_libs": "include-lib",
    "allow_leaks": "allow-leak",
    "image_base": "base",
    "image_variables": "image-env",
    "image_labels": "image-label",
}
_PATTERNS = ("exclude", "include")
"""Two options for one field, `patterns`, whose order decides."""
_PATHS = ("add", "base", "licences", "page", "reuse", "root", "sign")


@dataclass(frozen=True, slots=True)
class NamedOption:
    """One option of `pack`."""

    name: str
    """`exclude-lib`: for the command line, and in `[tool.bundler]`."""
    parameter: str
    """`exclude_libs`: the field's name, for an image's with `image_` before it."""
    value: Value
    default: object

    @property
    def keyword(self) -> str:
        """`exclude_lib`: for the Python API."""
        return self.name.replace("-", "_")

    @property
    def is_path(self) -> bool:
        """Whether its value is a path, or begins with one: a relative one in a file counts from the file's folder."""
        return self.name in _PATHS


@cache
def named_options() -> Mapping[str, NamedOption]:
    """The table, by name."""
    table = [NamedOption(name, name, Value(Kind.TEXTS), ()) for name in _PATTERNS]
    homes: list[tuple[DataclassInstance, str]] = [(PackOptions(), ""), (ContentOptions(), ""), (ImageOptions(), IMAGE)]
    for options, prefix in homes:
        for field, value in values_of(type(options)).items():
            parameter = prefix + field
            name = _NAMES.get(parameter, parameter).replace("_", "-")
            choices = FORMAT_NAMES if field == "format" else value.choices  # that table stands above the options
            table.append(NamedOption(name, parameter, replace(value, choices=choices), getattr(options, field)))
    return {option.name: option for option in table if option.parameter != "patterns"}


def near_name(name: str, names: Iterable[str]) -> str:
    """A hint that names the one that was probably meant; "" where none is near."""
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else ""


def with_keywords(options: PackOptions, keywords: Mapping[str, object]) -> PackOptions:
    """`options` with what keywords change. Patterns come behind those that are there: the last one that fits decides.

    Raises BadOption for an unknown keyword or a wrong value, Problems for several.
    """
    if not isinstance(options, PackOptions):
        raise BadOption(
            f"options must be PackOptions(...), not {options!r}", 'or give each by its name: profile="runtime"'
        )
    table = {option.keyword: option for option in named_options().values()}
    chosen: dict[str, object] = {}
    errors: list[BundlerError] = []
    for keyword, given in keywords.items():
        try:
            if keyword not in table:
                hint = near_name(keyword, table) or f"there are {', '.join(sorted(table))}"
                raise BadOption(f"pack has no option {keyword}", hint)
            chosen[table[keyword].parameter] = table[keyword].value.read(keyword, given)
        except BadOption as error:
            errors.append(error)
    raise_all(errors)
    patterns = [(name, pattern) for name in _PATTERNS for pattern in _texts(chosen.get(name, ()))]
    return with_chosen(options, chosen, patterns)


def with_chosen(options: PackOptions, chosen: Mapping[str, object], patterns: Iterable[tuple[str, str]]) -> PackOptions:
    """`options` with values by parameter, and patterns behind those that are there: (`exclude` or `include`, pattern)."""
    more = tuple("!" * (name == "include") + pattern for name, pattern in patterns)
    content = replace(filled(options.content, chosen), patterns=(*options.content.patterns, *more))
    return filled(replace(options, content=content, image=filled(options.image, chosen, IMAGE)), chosen)


def filled(defaults: Options, given: Mapping[str, object], prefix: str = "") -> Options:
    """`defaults` with the values that bear a field's name, `prefix` before it."""
    names = {field.name: prefix + field.name for field in fields(defaults)}
    return replace(defaults, **{field: given[name] for field, name in names.items() if name in given})


def _texts(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
