"""The load commands that a slice shall have, and how they are made to fit in front of its contents.

Contents never move: everything in a slice counts its offsets from the header, code included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.edits import Edits
from bundler.binaries.macho.image import DYLIB_COMMANDS, LoadCommand, Slice, name_of
from bundler.binaries.macho.structs import Structures
from bundler.errors import NoHeaderRoom
from bundler.machine import os

_RPATH_NAME = 12
"""Offset of the path in a new LC_RPATH."""


def wanted_commands(part: Slice, edits: Edits) -> list[LoadCommand]:
    """The slice's load commands with the edits done, in their order.

    Libraries are bound by their number among the commands, so none is ever removed or moved, whatever it is called.
    """
    layouts = part.structures
    commands: list[LoadCommand] = []
    seen: set[str] = set()
    for command in part.commands:
        if command.cmd == c.LC_ID_DYLIB and edits.install_name is not None:
            commands.append(_renamed(command, edits.install_name, layouts))
        elif command.cmd in DYLIB_COMMANDS:
            name = name_of(command, layouts)
            commands.append(_renamed(command, edits.dylibs.get(name, name), layouts))
        elif command.cmd == c.LC_RPATH:
            path = name_of(command, layouts)
            new = edits.replace_rpaths.get(path, path)
            if path in edits.remove_rpaths or (new != path and new in seen):
                continue
            seen.add(new)
            commands.append(_renamed(command, new, layouts))
        else:
            commands.append(command)
    commands += (_new_rpath(path, layouts) for path in dict.fromkeys(edits.add_rpaths) if path not in seen)
    return commands


def fit(part: Slice, commands: Sequence[LoadCommand]) -> tuple[list[LoadCommand], tuple[str, ...]]:
    """The commands, without what nobody misses as far as room is short; and what was left out, in words.

    Raises NoHeaderRoom where they do not fit all the same.
    """
    kept = list(commands)
    available = part.contents_start - part.structures.header.size
    freed: list[str] = []
    for command, what in _dispensable(kept, part.structures):
        if _size(kept) <= available:
            break
        del kept[next(number for number, one in enumerate(kept) if one is command)]
        freed.append(what)
    needed = _size(kept)
    if needed > available:
        raise NoHeaderRoom(
            f"its {part.architecture} header has room for {available} bytes of load commands, and {needed} are needed",
            "link it again with -Wl,-headerpad_max_install_names, or use shorter names",
            needed,
            available,
        )
    return kept, tuple(freed)


def _size(commands: Iterable[LoadCommand]) -> int:
    return sum(len(command.data) for command in commands)


def _dispensable(commands: Sequence[LoadCommand], layouts: Structures) -> list[tuple[LoadCommand, str]]:
    """What can be left out, the most useless first: search paths named twice, a date, tables without entries."""
    paths: set[str] = set()
    twice = []
    for command in commands:
        if command.cmd == c.LC_RPATH:
            path = name_of(command, layouts)
            twice += [(command, f"the second rpath {path}")] if path in paths else []
            paths.add(path)
    dates = [(command, "the source version") for command in commands if command.cmd == c.LC_SOURCE_VERSION]
    empty = [
        (command, "an empty table")
        for command in commands
        if command.cmd in (c.LC_DATA_IN_CODE, c.LC_FUNCTION_STARTS) and layouts.word(command.data, 12) == 0
    ]
    return [*twice, *dates, *empty]


def _renamed(command: LoadCommand, name: str, layouts: Structures) -> LoadCommand:
    """The command with another name. What stands in front of it stays (flags of a `dylib_use_command`, too)."""
    if name_of(command, layouts) == name:
        return command
    start = layouts.word(command.data, 8)
    text = os.fsencode(name) + b"\0"
    size = -(-(start + len(text)) // layouts.alignment) * layouts.alignment
    head = command.data[:4] + layouts.pack_words(size) + command.data[8:start]
    return LoadCommand(command.cmd, (head + text).ljust(size, b"\0"))


def _new_rpath(path: str, layouts: Structures) -> LoadCommand:
    empty = LoadCommand(c.LC_RPATH, layouts.pack_words(c.LC_RPATH, _RPATH_NAME, _RPATH_NAME))
    return _renamed(empty, path, layouts)
