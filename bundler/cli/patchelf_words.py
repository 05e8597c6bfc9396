"""The words of patchelf 0.19 as a value: what each asks for, or why `bundler-patchelf` does not do it.

Facts about patchelf are those of its own help and of what version 0.19.3 does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bundler.errors import WrongWords
from bundler.machine import os

PRINTS = ("interpreter", "os-abi", "soname", "rpath", "execstack", "needed")
"""What can be printed, in the order in which it is, whatever the order of the options."""

_VALUES = {
    "--set-interpreter": 1,
    "--interpreter": 1,
    "--page-size": 1,
    "--set-soname": 1,
    "--set-rpath": 1,
    "--add-rpath": 1,
    "--allowed-rpath-prefixes": 1,
    "--add-needed": 1,
    "--remove-needed": 1,
    "--replace-needed": 2,
    "--clear-symbol-version": 1,
    "--output": 1,
    "--set-os-abi": 1,
    "--rename-dynamic-symbols": 1,
}
"""The options that take values, and how many."""
_FLAGS = frozenset({"--remove-rpath", "--shrink-rpath", "--force-rpath", "--clear-execstack", "--no-sort", "--debug"})
REFUSED = {
    "--set-os-abi": "the ELF header stays as it is",
    "--no-default-lib": "an object with that flag does not find the libc of its host",
    "--add-debug-tag": "no tag is added that names nothing",
    "--rename-dynamic-symbols": "symbols keep their names",
    "--set-execstack": "nothing gets an executable stack, which glibc 2.41 refuses",
    "--build-resolution-cache": "it would hold absolute paths",
    "--no-clobber-old-sections": "what nobody reads any more becomes zeros",
}
"""Options of patchelf that are not done, with the reason."""
OPTIONS = frozenset({*_VALUES, *_FLAGS, *REFUSED, *(f"--print-{name}" for name in PRINTS), "--help", "-h", "--version"})
"""All of patchelf's options."""


@dataclass(slots=True)
class Words:
    """What was asked for. Of a word that is given again the last one counts, but for those that hold several."""

    files: list[str] = field(default_factory=list)
    prints: set[str] = field(default_factory=set)
    """Of PRINTS."""
    values: dict[str, str] = field(default_factory=dict)
    """By option: those that count once."""
    flags: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    unversioned: list[str] = field(default_factory=list)
    answer: str | None = None
    """`--help` or `--version`: nothing else is done then."""


def parse(arguments: Sequence[str]) -> Words:
    """The words of a command line, in any order; `@F` for a value is the text in the file F, its last newline included.

    Raises WrongWords for what contradicts itself, lacks a value or is not done; OSError where a file of a value cannot
    be read.
    """
    words = Words()
    rest = iter(arguments)
    for word in rest:
        if word in ("--help", "-h", "--version"):
            words.answer = "--version" if word == "--version" else "--help"
            return words
        _take(words, word, [_value(word, rest) for _ in range(_VALUES.get(word, 0))])
    _check(words)
    return words


def _take(words: Words, word: str, values: Sequence[str]) -> None:
    if word in REFUSED:
        raise WrongWords(f"{word} is an option of patchelf that this program does not have: {REFUSED[word]}")
    match word:
        case "--add-needed":
            words.added += values
        case "--remove-needed":
            words.removed += values
        case "--replace-needed":
            words.replaced.append((values[0], values[1]))
        case "--clear-symbol-version":
            words.unversioned += values
        case "--interpreter":  # the name of older versions
            words.values["--set-interpreter"] = values[0]
        case _ if values:
            words.values[word] = values[0]
        case _ if word in _FLAGS:
            words.flags.add(word)
        case _ if word.removeprefix("--print-") in PRINTS and word in OPTIONS:
            words.prints.add(word.removeprefix("--print-"))
        case _:
            words.files.append(word)


def _value(option: str, rest: Iterator[str]) -> str:
    """The next word, or the contents of the file that it names."""
    value = next(rest, None)
    if value is None:
        raise WrongWords(f"{option} lacks a value")
    if not value.startswith("@"):
        return value
    with open(value[1:], "rb") as file:
        return os.fsdecode(file.read())


def _check(words: Words) -> None:
    """Raise WrongWords for words that do not go together. patchelf drops some of them without a word."""
    if not words.files:
        raise WrongWords("there is no FILE among the words")
    for word in words.files:
        if word.startswith("-") and not os.path.lexists(word):
            raise WrongWords(f"{word} is neither an option nor a file")
    paths = [
        option
        for option in ("--remove-rpath", "--set-rpath", "--add-rpath", "--shrink-rpath")
        if option in _given(words)
    ]
    if len(paths) > 1:
        raise WrongWords(f"{paths[0]} and {paths[1]} exclude each other")
    if "--output" in words.values and len(words.files) > 1:
        raise WrongWords(f"--output takes one FILE, and there are {len(words.files)}")
    size = words.values.get("--page-size")
    if size is not None and not (size.isascii() and size.isdigit() and int(size)):
        raise WrongWords(f"--page-size takes a number of bytes; {size!r} is none")


def _given(words: Words) -> set[str]:
    return {*words.values, *words.flags}
