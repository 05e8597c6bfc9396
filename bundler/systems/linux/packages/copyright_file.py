"""Debian's copyright files: what they say a library is under.

Many have the machine-readable form (copyright format 1.0, "DEP-5"): paragraphs that say for files of the source package what they
are under. A source package holds more than a library: programs, tests, scripts that build it. So that paragraph counts whose files
have the library's own name, and else the one for all files.
Those in free form are looked through for the texts and names of well-known licences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from bundler.host_package import Copyleft
from bundler.systems.linux.packages.licence_names import Licence, parse_licence

_FORM = re.compile(r"format(-specification)?:.*(copyright-format|dep-?5)", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z][A-Za-z-]*)[ \t]*:(.*)")
_COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*)")
_ENDING = re.compile(r"(\.so)?(\.\d+)*$")
_AKIN = 3
"""So many letters at the beginning of two names make one of the other's family: `gdbm_compat` of gdbm."""
_FILES_OF_OTHERS = re.compile(
    r"(debian|tests?|testsuite|docs?|man|m4|po|examples?|contrib|build-aux|config)/|.*\.(m4|texi|sh|in|am|[1-8])$|"
    r"(configure|install-sh|aclocal|ltmain|config\.|missing|compile|depcomp|INSTALL|README|NEWS|AUTHORS|ChangeLog|ABOUT)"
)
_MARKS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)  # over a text in small letters with one space between words
    for name, pattern in {
        "LGPL": "gnu lesser general public licen|gnu library general public licen|lgpl",
        "AGPL": "gnu affero general public licen|agpl",
        "GPL": "gnu general public licen|\\bgpl",
        "GPL with exceptions": "runtime library exception|special exception|linking exception",
        "Apache-2.0": "apache licen[sc]e,? version 2|common-licenses/apache-2",
        "MIT": "permission is hereby granted, free of charge",
        "BSD": "redistributions? and use in source and binary forms|\\bbsd\\b",
        "MPL": "mozilla public licen",
        "Artistic": "common-licenses/artistic|artistic licen",
        "public domain": "public domain",
        "ISC": "permission to use, copy, modify, and(/or)? distribute",
    }.items()
}
_GNU_VERSION = re.compile(r"(?:common-licenses/a?l?gpl-|version |\bv\.?)(\d(?:\.\d)?)\b")


class Told(NamedTuple):
    """What a copyright file says of a library."""

    licence: str
    """An SPDX expression; `several: …` where a file in free form names several; "" where nothing is recognised."""
    copyleft: Copyleft


class Paragraph(NamedTuple):
    """What some files of a source package are under."""

    files: tuple[str, ...]
    """Patterns."""
    licence: str
    """Its short names, as they stand there."""


def read_copyright(text: str, library: str, source: str) -> Told:
    """What the copyright file of a package says of the library with a file name, which was built from the package `source`."""
    if not is_machine_readable(text):
        return _recognised(text)
    paragraphs = [paragraph for paragraph in parse_paragraphs(text) if paragraph.licence]
    stem = library_stem(library)
    own = [paragraph for paragraph in paragraphs if any(_names(pattern, stem) for pattern in paragraph.files)]
    if own:
        licence = _all_of(own)
        return Told(licence.text, _copyleft(licence, surely=True))
    every = [paragraph for paragraph in paragraphs if "*" in paragraph.files]
    if every:
        licence = parse_licence(every[-1].licence)
        return Told(licence.text, _copyleft(licence, surely=_is_akin(stem, source)))
    code = [each for each in paragraphs if not all(map(_FILES_OF_OTHERS.match, each.files))]
    if not code:
        return Told("", Copyleft.NO)
    licence = _all_of(code)
    return Told(licence.text, _copyleft(licence, surely=False))


def common_licences(text: str) -> tuple[str, ...]:
    """The names of the texts in Debian's `/usr/share/common-licenses` that a copyright file refers to, in order."""
    return tuple(sorted(set(_COMMON.findall(text))))


def is_machine_readable(text: str) -> bool:
    """Whether a file has the form that Debian's copyright format describes."""
    return any(_FORM.match(line) for line in text.lstrip("\ufeff").lstrip().split("\n", 4)[:4])


def parse_paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs about files, in order: of several that fit a file the last one counts."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        fields = dict(_fields(block))
        if "files" in fields:
            licence = fields.get("license", fields.get("licence", ""))
            yield Paragraph(tuple(fields["files"].replace(",", " ").split()), licence.strip().split("\n")[0].strip())


def library_stem(library: str) -> str:
    """A library's name without what is no name: `readline` for `libreadline.so.8.2`, `db` for `libdb-5.3.so`."""
    name = library.partition(".so")[0].lower().removeprefix("lib")
    return re.sub(r"-\d+(\.\d+)*$", "", name)


def _fields(block: str) -> Iterator[tuple[str, str]]:
    """Names (lower case) and values; lines that go on have white space before them."""
    name, lines = "", list[str]()
    for line in block.split("\n"):
        found = _FIELD.match(line)
        if found:
            if name:
                yield name, "\n".join(lines)
            name, lines = found[1].lower(), [found[2]]
        else:
            lines.append(line)
    if name:
        yield name, "\n".join(lines)


def _names(pattern: str, stem: str) -> bool:
    """Whether the files of a pattern are those of the library by their name: `libuuid/*`, `lib/uuid/*`, `keyutils.*`."""
    *folders, last = pattern.lower().split("/")
    named = folders[-1] if last == "*" and folders else last.removesuffix(".*") if last.endswith(".*") else ""
    return bool(stem) and named.removeprefix("lib") == stem


def _is_akin(stem: str, source: str) -> bool:
    """Whether a library has the name of the source package that it was built from, so that this holds it above all."""
    names = [re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("lib") for name in (stem, source)]
    length = min(_AKIN, *map(len, names))
    return length > 0 and names[0][:length] == names[1][:length]


def _all_of(paragraphs: list[Paragraph]) -> Licence:
    licences = tuple(dict.fromkeys(parse_licence(paragraph.licence) for paragraph in paragraphs))
    return licences[0] if len(licences) == 1 else Licence("", "AND", licences)


def _copyleft(licence: Licence, *, surely: bool) -> Copyleft:
    if not licence.is_strong(of_files=False):
        return Copyleft.NO
    return Copyleft.STRONG if surely else Copyleft.PERHAPS


@cache  # the packages of one source have the same file
def _recognised(text: str) -> Told:
    """What a file in free form names."""
    words = " ".join(text.lower().split())
    found = [name for name, pattern in _MARKS.items() if pattern.search(words)]
    if len(found) != 1:
        return Told(f"several: {', '.join(found)}" if found else "", Copyleft.NO)
    (name,) = found
    if name in ("AGPL", "GPL", "LGPL"):
        version = _GNU_VERSION.search(words)
        name += (f"-{version[1]}" + ("+" if "any later version" in words else "")) if version else ""
    licence = parse_licence({"BSD": "BSD in some form", "MPL": "MPL of some version"}.get(name, name))
    return Told(licence.text, _copyleft(licence, surely=True))
