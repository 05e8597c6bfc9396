"""What kind of value an option takes, by the type of its field, and whether a value is of that kind.

The options values, the command line, `[tool.bundler]` and the Python API ask this module. It knows no option by name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

from bundler.errors import BadOption, BundlerError, raise_all
from bundler.machine import os

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Member = TypeVar("Member", bound=enum.Enum)
_CHOICES, _LEAST = "choices", "least"


class Kind(enum.Enum):
    """What an option's value is, in words for an error."""

    TEXTS = "a list of strings"
    SWITCH = "true or false"
    NUMBER = "a number"
    TEXT = "a string"


_OF_FIELDS = {tuple[str, ...]: Kind.TEXTS, bool: Kind.SWITCH, int: Kind.NUMBER, str: Kind.TEXT}


@dataclass(frozen=True, slots=True)
class Value:
    """The values that an option takes."""

    kind: Kind
    one_of: type[enum.Enum] | None = None
    """The enum whose members they are, or the texts of these."""
    choices: tuple[str, ...] = ()
    """The texts, where not every one is right."""
    least: int | None = None
    """The lowest number."""
    optional: bool = False
    """Whether None is a value: nothing was decided."""

    def read(self, name: str, value: object) -> object:
        """The value as its field has it: the member for a text, a tuple for a list. Raises BadOption, which calls it `name`."""
        if (value is None and self.optional) or (self.one_of is not None and isinstance(value, self.one_of)):
            return value
        match self.kind:
            case Kind.TEXTS if isinstance(value, Sequence) and not isinstance(value, str | bytes):
                if self.choices:
                    return tuple(self._member(name, item) for item in value)
                texts = [_text(item) for item in value]
                if None not in texts:
                    return tuple(texts)
            case Kind.SWITCH if isinstance(value, bool):
                return value
            case Kind.NUMBER if isinstance(value, int) and not isinstance(value, bool):
                if self.least is not None and value < self.least:
                    raise BadOption(f"{name} must be {self.least} or more, not {value}")
                return value
            case Kind.TEXT if (text := _text(value)) is not None and not (self.choices and text not in self.choices):
                return text if self.one_of is None else self.one_of(text)
        if self.kind is Kind.TEXTS and isinstance(value, str):
            raise _single(name, value)
        raise BadOption(f"{name} must be {self.words}, not {value!r}")

    def _member(self, name: str, item: object) -> object:
        """One of several. Raises BadOption."""
        return replace(self, kind=Kind.TEXT).read(name, item)

    @property
    def words(self) -> str:
        """What a value must be, for an error."""
        return f"one of {', '.join(filter(None, self.choices))}" if self.choices else self.kind.value


def _text(value: object) -> str | None:
    """A text, or a path as one; None for anything else, and for a text that no system call takes."""
    if isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    return value if isinstance(value, str) and "\0" not in value else None


def path_of(name: str, value: object) -> str:
    """A path, given as text or `os.PathLike`. Raises BadOption for anything else, and for an empty one."""
    text = _text(value)
    if not text:
        raise BadOption(f"{name} must be a path, not {value!r}")
    return text


def member_of(name: str, kind: type[Member], value: Member | str) -> Member:
    """The member of an enum that a value is, or names. Raises BadOption."""
    found = _of_enum(kind).read(name, value)
    assert isinstance(found, kind)
    return found


def text_of(name: str, value: object) -> str:
    """The text that the argument `name` is. Raises BadOption for anything else."""
    if not isinstance(value, str):
        raise BadOption(f"{name} must be a string, not {value!r}")
    return value


def switch_of(name: str, value: object) -> bool:
    """True or False, and nothing else that Python would take for one of them. Raises BadOption."""
    return bool(Value(Kind.SWITCH).read(name, value))


def refuse_single_texts(values: DataclassInstance) -> None:
    """Refuse one text in fields that hold several: Python would take it for the sequence of its letters. Raises BadOption."""
    for name in _several(type(values)):
        given = getattr(values, name)
        if isinstance(given, str):
            raise _single(f"{type(values).__name__}: {name}", given)


@cache
def _several(kind: type[DataclassInstance]) -> tuple[str, ...]:
    """The names of the fields that hold several texts."""
    return tuple(field.name for field in fields(kind) if isinstance(field.default, tuple | frozenset))


def _single(name: str, text: str) -> BadOption:
    return BadOption(f"{name} must be {Kind.TEXTS.value}, not {text!r}", f"write [{text!r}] for one")


def one_of(*choices: str) -> Mapping[str, object]:
    """A field's metadata: the texts that it may hold, its default among them."""
    return MappingProxyType({_CHOICES: choices})


def at_least(number: int) -> Mapping[str, object]:
    """A field's metadata: the lowest number that it may hold."""
    return MappingProxyType({_LEAST: number})


@cache
def values_of(kind: type[DataclassInstance]) -> Mapping[str, Value]:
    """The values that the fields of an options value take, by their names; without fields that no option fills by itself."""
    hints = get_type_hints(kind)
    found: dict[str, Value] = {}
    for field in fields(kind):
        parts = get_args(hints[field.name]) if isinstance(hints[field.name], UnionType) else (hints[field.name],)
        (part,) = (part for part in parts if part is not NoneType)
        optional = NoneType in parts
        several = get_args(part) if get_origin(part) is tuple else ()
        if several and isinstance(several[0], type) and issubclass(several[0], enum.Enum):
            found[field.name] = replace(_of_enum(several[0], optional), kind=Kind.TEXTS)
        elif isinstance(part, type) and issubclass(part, enum.Enum):
            found[field.name] = _of_enum(part, optional)
        elif part in _OF_FIELDS:
            choices, least = field.metadata.get(_CHOICES, ()), field.metadata.get(_LEAST)
            found[field.name] = Value(_OF_FIELDS[part], None, choices, least, optional)
    return found


def read_fields(options: DataclassInstance) -> None:
    """Put what each field's value means into the field. Raises BadOption for those that mean nothing, all together."""
    errors: list[BundlerError] = []
    values, hints = values_of(type(options)), get_type_hints(type(options))
    for field in fields(options):
        given = getattr(options, field.name)
        name = f"{type(options).__name__}: {field.name}"
        try:
            if field.name in values:
                object.__setattr__(options, field.name, values[field.name].read(name, given))  # frozen for all others
            elif not isinstance(given, wanted := get_origin(hints[field.name]) or hints[field.name]):
                raise BadOption(f"{name} must be {wanted.__name__}(...), not {given!r}")
        except BadOption as error:
            errors.append(error)
    raise_all(errors)


def _of_enum(kind: type[enum.Enum], optional: bool = False) -> Value:
    return Value(Kind.TEXT, kind, tuple(member.value for member in kind), optional=optional)
