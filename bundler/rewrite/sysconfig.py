"""What `sysconfig`, `make` and `python-config` know about the installation: directories that must follow the bundle.

The absolute directories of the source are replaced by a mark, and the mark by the prefix when the file is used: in
`_sysconfigdata*.py` by a few lines at its end, in shell and make by an expression. No path of the builder remains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bundler.machine import os
from bundler.parsing import parse_json
from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template
from bundler.rewrite.whole_paths import ENDS, begins

# Looks like an absolute path, so that tools that only read the file take it for one, and is none.
MARK = "/@bundle@"
# `.$(prefix)` (WASM_ASSETS_DIR): a dot stands before a path.
_DOTTED = re.compile(r"(^|[^\w.+/-])\.$")

_PREFIX_REAL = re.compile(rb"^prefix_real=\$\(installed_prefix \"\$0\"\)$", re.MULTILINE)
_OWN_PREFIX = (
    rb"""prefix_real=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0" || printf %s "$0")")/.." && pwd -P)"""
)


@dataclass(frozen=True, slots=True)
class MovedDirectory:
    """A directory of the source that lies at the bundle path `path` ("" for the bundle itself).

    `alone` directories hold other software, too (`/usr`, `/usr/bin`): they are replaced only where a value is the
    directory and nothing more.
    """

    source: str
    path: str
    alone: bool = False


def rewrite_sysconfigdata(data: bytes, directories: Sequence[MovedDirectory], depth: int) -> Rewritten | None:
    """`_sysconfigdata*.py`: the literal dictionary stays first, for those who read the file as text (maturin, PyO3, uv).

    `depth` is the number of folders between the bundle and the file (2 for `lib/python3.12`).
    """
    new = replace_directories(data, directories, MARK)
    if new is None:
        return None
    ending = read_template("sysconfigdata_ending").replace("@MARK@", MARK).replace("@DEPTH@", str(depth))
    return Rewritten(new + ending.encode(), "directories follow the file")


def rewrite_sysconfig_json(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """`_sysconfig_vars*.json` (3.14): data that no code follows; Python itself does not read it. Directories become the mark."""
    new = replace_directories(data, directories, MARK)
    return None if new is None else Rewritten(new, "directories of the builder replaced by a mark")


def rewrite_build_details(
    data: bytes,
    folder: str,
    directories: Sequence[MovedDirectory],
    place: Callable[[str], str | None] = lambda path: path,
) -> Rewritten | None:
    """`build-details.json` (PEP 739): `base_prefix` relative to the file's folder (a bundle path), the rest to `base_prefix`.

    `place` gives the bundle path at which a library or a folder is that shall stand at another; None for what stayed behind, which
    the file then does not name.
    """
    try:
        details = parse_json(data)
    except ValueError:
        return None
    if not isinstance(details, dict):
        return None
    prefix = details.get("base_prefix")
    new = _relative_values(details, {item.source.rstrip("/"): item.path for item in directories})
    if not isinstance(prefix, str) or not prefix.startswith("/") or not isinstance(new, dict):
        return None
    for section, needed in (("libpython", ""), ("c_api", "headers")):
        if isinstance(details.get(section), dict):
            new[section] = dict(_placed(details[section], new[section], place))
            if not new[section] or (needed and needed not in new[section]):
                del new[section]
    new["base_prefix"] = os.path.relpath("/", "/" + folder)
    return Rewritten((json.dumps(new, indent=2) + "\n").encode(), "directories relative to the file")


def _placed(
    before: dict[str, object], after: dict[str, object], place: Callable[[str], str | None]
) -> Iterator[tuple[str, object]]:
    """The members of a section, paths where `place` says that they are."""
    for key, value in after.items():
        was = before[key]
        if not (isinstance(value, str) and isinstance(was, str) and was.startswith("/")):
            yield key, value
        elif (found := place(value)) is not None:
            yield key, found


def _relative_values(value: object, places: dict[str, str]) -> object:
    """All absolute paths in a JSON value that lie in a moved directory, made bundle paths."""
    if isinstance(value, dict):
        return {key: _relative_values(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_relative_values(item, places) for item in value]
    if isinstance(value, str) and value.startswith("/"):
        for source in sorted(places, key=len, reverse=True):
            if value == source or value.startswith(source + "/"):
                return os.path.normpath(os.path.join(places[source] or ".", value[len(source) + 1 :]))
    return value


def rewrite_makefile(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """`config-*/Makefile`: `prefix` is computed from the Makefile's own place, three folders up (GNU make)."""
    here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../..)"
    marked = replace_directories(data, directories, MARK)
    if marked is None:
        return None
    text = marked.decode("utf-8", "surrogateescape")
    text = re.sub(rf"^prefix=(\s*){re.escape(MARK)}$", rf"prefix=\1{here}", text, count=1, flags=re.MULTILINE)
    return Rewritten(text.replace(MARK, "$(prefix)").encode("utf-8", "surrogateescape"), "directories follow the file")


def rewrite_sh_config(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """`pythonX.Y-config` in sh: it computes its own prefix as `prefix_real`, and uses it for some values only.

    Its way to compute it ends at a space, and does not follow a link from outside.
    """
    if b"prefix_real=" not in data:
        return None
    new = replace_directories(data, directories, "${prefix_real}") or data
    new = _PREFIX_REAL.sub(_OWN_PREFIX, new)
    return None if new == data else Rewritten(new, "directories follow the file")


def rewrite_python_config(data: bytes) -> Rewritten | None:
    """`config-*/python-config.py`: it asks `sysconfig` for everything; only its first line names a place."""
    first, _, rest = data.partition(b"\n")
    if not re.fullmatch(rb"#!\s*/\S*python[\d.]*[td]*", first.rstrip()):
        return None
    return Rewritten(b"#!/usr/bin/env python3\n" + rest, "shebang without a path")


def replace_directories(data: bytes, directories: Sequence[MovedDirectory], prefix: str) -> bytes | None:
    """Every moved directory as `prefix` and its bundle path; None where there is none in the text."""
    places = {item.source.rstrip("/"): item for item in directories}
    if not places:
        return None
    choices = []
    for source in sorted(places, key=len, reverse=True):
        text = re.escape(source)
        if places[source].alone:
            choices.append(rf"(?<=[\"'=\s]){text}(?=[\"'\s]|$)")
        else:
            choices.append(text + ENDS)

    def moved(match: re.Match[str]) -> str:
        if not begins(match.string, match.start()) and not _DOTTED.search(
            match.string, max(0, match.start() - 2), match.start()
        ):
            return match[0]
        return prefix + ("/" + path if (path := places[match[0]].path) else "")

    text = data.decode("utf-8", "surrogateescape")
    new = re.sub("|".join(choices), moved, text, flags=re.MULTILINE)
    return new.encode("utf-8", "surrogateescape") if new != text else None
