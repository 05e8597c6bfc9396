"""Names of licences, as distributions write them, and what they mean: SPDX expressions, and whether that is strong copyleft.

Debian's short names are in its copyright format 1.0, section 7; Fedora's older ones in its list of good licences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GNU = re.compile(
    r"(?P<kind>AGPL|LGPL|GPL|GFDL)-?v?(?P<version>\d(?:\.\d)?)?(?P<later>\+|-or-later|-only)?"
    r"(?P<rest>(?:[- ]?with\b.*|-[a-z-]*exception.*|-no-invariants.*)?)$",
    re.IGNORECASE,
)
_SHORT = {
    "expat": "MIT",
    "mit": "MIT",
    "x11": "X11",
    "isc": "ISC",
    "zlib": "Zlib",
    "apache-2": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "bsl-1.0": "BSL-1.0",
    "boost-1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "ftl": "FTL",
    "mpl-1.1": "MPL-1.1",
    "mplv1.1": "MPL-1.1",
    "mpl-2.0": "MPL-2.0",
    "mplv2.0": "MPL-2.0",
    "openssl": "OpenSSL",
    "curl": "curl",
    "psf-2": "PSF-2.0",
    "psf-2.0": "PSF-2.0",
    "python-2.0": "Python-2.0",
    "python-2.0.1": "Python-2.0.1",
    "sleepycat": "Sleepycat",
    "bzip2-1.0.6": "bzip2-1.0.6",
    "blessing": "blessing",
    "libpng": "Libpng",
    "unicode-3.0": "Unicode-3.0",
    "unicode-dfs-2016": "Unicode-DFS-2016",
    "artistic-1.0": "Artistic-1.0",
    "artistic-2.0": "Artistic-2.0",
    "0bsd": "0BSD",
    "gfdl-niv-1.2+": "GFDL-1.2-no-invariants-or-later",
    "gfdl-niv-1.3+": "GFDL-1.3-no-invariants-or-later",
    "ncsa": "NCSA",
    "unlicense": "Unlicense",
    "wtfpl": "WTFPL",
}
_EXCEPTIONS = {
    "gcc": "GCC-exception-3.1",
    "autoconf": "Autoconf-exception-generic",
    "libtool": "Libtool-exception",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "bison": "Bison-exception-2.2",
    "llvm": "LLVM-exception",
}
_FREE = {"GPL": "1.0", "LGPL": "2.0", "AGPL": "3.0", "GFDL": "1.1"}
"""The first version of each: where a package names none, every one will do."""
_TOKENS = re.compile(r"[()]|,?\s+\b(?:and|or)\b(?:/or\b)?\s+", re.IGNORECASE)
_STRONG = re.compile(r"A?GPL-|Sleepycat$|SSPL-")
_OF_TEXTS = re.compile(r"GFDL-")
_MOST = 2000
"""Letters of an expression, and so the depth of its parentheses."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence by its SPDX name, or several: all of them at once (`AND`), or one of them as one likes (`OR`)."""

    name: str = ""
    joint: str = ""
    parts: tuple[Licence, ...] = ()

    @property
    def text(self) -> str:
        """The SPDX expression."""
        if not self.parts:
            return self.name
        told = (f"({part.text})" if part.parts and part.joint != self.joint else part.text for part in self.parts)
        return f" {self.joint} ".join(dict.fromkeys(told))

    def is_strong(self, *, of_files: bool) -> bool:
        """Whether it is strong copyleft, whatever one chooses.

        With `of_files` a conjunction lists what the files of a package are under, each under one of them: then all have to be.
        """
        if not self.parts:
            return _STRONG.match(self.name) is not None and " WITH " not in self.name
        counted = [part.is_strong(of_files=of_files) for part in self.parts if not _OF_TEXTS.match(part.name)]
        return bool(counted) and (all(counted) if self.joint == "OR" or of_files else any(counted))


def parse_licence(text: str) -> Licence:
    """What a package says of its licence: names of Debian's, Fedora's or SPDX, with `and`, `or`, and parentheses.

    In Debian's form a comma before `and` binds less than `or` does. What is no such form is one licence with that name.
    """
    text = " ".join(text.split())
    if len(text) > _MOST:
        return Licence(spdx_name(text[:_MOST]))
    try:
        tokens = _tokens(text)
        licence = _read(tokens)
        if tokens:
            raise ValueError("it goes on behind its end")
    except ValueError:
        return Licence(spdx_name(text))
    except RecursionError:
        return Licence(spdx_name(text[:_MOST]))
    return licence


def spdx_name(name: str) -> str:
    """The SPDX identifier of a licence that a distribution calls `name`, else a reference of our own (`LicenseRef-…`)."""
    name = " ".join(name.split())
    if known := _SHORT.get(name.lower()):
        return known
    found = _GNU.match(name)
    if found is not None and (gnu := _gnu(found)):
        return gnu
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", name):
        return name
    return "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-") or "unknown")


def _gnu(found: re.Match[str]) -> str:
    """The identifier of a licence of GNU's; "" for one with an exception that SPDX has no name for."""
    kind, rest = found["kind"].upper(), found["rest"]
    version = found["version"] or _FREE[kind]
    version = version if "." in version else f"{version}.0"
    later = "or-later" if not found["version"] or (found["later"] or "").lower() in ("+", "-or-later") else "only"
    if kind == "GFDL" and rest:
        return f"GFDL-{version}-no-invariants-{later}"
    if not rest:
        return f"{kind}-{version}-{later}"
    exception = next((spdx for word, spdx in _EXCEPTIONS.items() if word in rest.lower()), "")
    return f"{kind}-{version}-{later} WITH {exception}" if exception else ""


def _tokens(text: str) -> list[str]:
    """Names, parentheses, `AND`, `OR`, and `,AND` for one with a comma: the last one first."""
    found: list[str] = []
    end = 0
    for token in _TOKENS.finditer(text):
        if name := text[end : token.start()].strip():
            found.append(name)
        word = token[0].strip().upper()
        found.append({"AND/OR": "OR", ",AND/OR": "OR", ",OR": "OR"}.get(word.replace(" ", ""), word.replace(" ", "")))
        end = token.end()
    if name := text[end:].strip():
        found.append(name)
    return found[::-1]


def _read(tokens: list[str], level: int = 0) -> Licence:
    """The licence that the tokens begin with, which are taken away. Raises ValueError for what is none."""
    joints = (",AND", "OR", "AND")
    if level == len(joints):
        return _read_one(tokens)
    parts = [_read(tokens, level + 1)]
    while tokens and tokens[-1] == joints[level]:
        tokens.pop()
        parts.append(_read(tokens, level + 1))
    return parts[0] if len(parts) == 1 else Licence("", joints[level].lstrip(","), tuple(parts))


def _read_one(tokens: list[str]) -> Licence:
    """A name, or what stands in parentheses."""
    if not tokens:
        raise ValueError("it ends too early")
    token = tokens.pop()
    if token == "(":
        licence = _read(tokens)
        if not tokens or tokens.pop() != ")":
            raise ValueError("a parenthesis is not closed")
        return licence
    if token in (")", "AND", "OR", ",AND"):
        raise ValueError(f"{token} stands where a licence should")
    return Licence(spdx_name(token))
